package stream

import (
	"cmp"
	"encoding/binary"
	"fmt"

	"headcount/events"
)

// BatchWriter makes record batches in memory, as Produce sends them and a fetch has them: it and BatchReader are for measuring, where no
// broker is. Not for concurrent use.
type BatchWriter struct{ encoder batchEncoder }

// Write returns a batch of the messages, the first of which has offset base, compressed as Config.Compression would have it. It is
// valid until the next call.
func (w *BatchWriter) Write(messages []*Message, base int64, compression string) ([]byte, error) {
	c, ok := codecs[cmp.Or(compression, defaultCompression)]
	if !ok || len(messages) == 0 || base < 0 {
		return nil, fmt.Errorf("no batch of %d messages at offset %d, compressed by %q", len(messages), base, compression)
	}
	b, err := w.encoder.encode(messages, c, producerState{id: -1, epoch: -1, sequence: -1}, 0)
	if err == nil {
		binary.BigEndian.PutUint64(b, uint64(base)) // as the broker does; the checksum leaves it out
	}
	return b, err
}

// BatchReader reads record batches that lie in memory, with all that a PartitionReader checks of one batch. Not for concurrent use.
type BatchReader struct{ space workspace }

// NewBatchReader returns a reader of batches of at most that many bytes, unpacked.
func NewBatchReader(maxBytes int) *BatchReader {
	return &BatchReader{workspace{unpack: unpacker{limit: maxBytes}}}
}

// Read reads the batch that b begins with, and returns its records, of which a control batch has none, and what follows it. The records
// are valid until the next call.
func (r *BatchReader) Read(b []byte) (records []events.Record, rest []byte, err error) {
	var h header
	if err := readHeader(b, &h); err != nil {
		return nil, b, err
	}
	if err := h.checkCRC(b); err != nil {
		return nil, b, err
	}
	rest = b[h.size:]
	if h.control() {
		return nil, rest, nil
	}
	content, err := r.space.unpack.unpack(h.codec(), b[headerSize:h.size])
	if err != nil {
		return nil, b, err
	}
	if r.space.records, err = appendRecords(r.space.records[:0], &h, content, 0); err != nil {
		return nil, b, err
	}
	return r.space.records, rest, nil
}
