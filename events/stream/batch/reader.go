package batch

import "headcount/events"

// Reader reads record batches that lie in memory, with all that is checked of one batch. Not for concurrent use.
type Reader struct {
	unpacker Unpacker
	records  []events.Record
}

// NewReader returns a reader of batches that unpack to at most so many bytes.
func NewReader(maxBytes int) *Reader {
	return &Reader{unpacker: Unpacker{Limit: maxBytes}}
}

// Read reads the batch that b begins with, and returns its records, of which a control batch has none, and what follows it. The records
// are valid until the next call.
func (r *Reader) Read(b []byte) (records []events.Record, rest []byte, err error) {
	var h Header
	if err := ReadHeader(b, &h); err != nil {
		return nil, b, err
	}
	if err := h.CheckCRC(b); err != nil {
		return nil, b, err
	}
	rest = b[h.Size:]
	if h.Control() {
		return nil, rest, nil
	}
	content, err := r.unpacker.Unpack(h.Codec(), b[HeaderSize:h.Size])
	if err != nil {
		return nil, b, err
	}
	if r.records, err = AppendRecords(r.records[:0], &h, content, 0); err != nil {
		return nil, b, err
	}
	return r.records, rest, nil
}
