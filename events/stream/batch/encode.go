package batch

import "encoding/binary"

// Producer goes into a batch, so that a broker that has it already does not take it twice.
type Producer struct {
	ID       int64 // −1: none
	Epoch    int16 // −1: none
	Sequence int32 // of the first record; −1: none
}

func appendVarint(b []byte, v int64) []byte {
	return binary.AppendUvarint(b, uint64(v<<1)^uint64(v>>63))
}

func varintSize(v int64) int {
	u := uint64(v<<1) ^ uint64(v>>63)
	n := 1
	for ; u >= 0x80; u >>= 7 {
		n++
	}
	return n
}

func blobSize(b []byte) int {
	if b == nil {
		return 1
	}
	return varintSize(int64(len(b))) + len(b)
}

func appendBlob(b, v []byte) []byte {
	if v == nil {
		return append(b, 1) // −1
	}
	return append(appendVarint(b, int64(len(v))), v...)
}

// recordSize is the size of a record's body, without the length before it.
func recordSize(m *Message, timeDelta, delta int64) int {
	n := 1 + varintSize(timeDelta) + varintSize(delta) + blobSize(m.Key) + blobSize(m.Value) + varintSize(int64(len(m.Headers)))
	for _, h := range m.Headers {
		n += varintSize(int64(len(h.Key))) + len(h.Key) + blobSize(h.Value)
	}
	return n
}

func appendRecord(b []byte, m *Message, timeDelta, delta int64) []byte {
	b = appendVarint(b, int64(recordSize(m, timeDelta, delta)))
	b = append(b, 0) // attributes
	b = appendVarint(b, timeDelta)
	b = appendVarint(b, delta)
	b = appendBlob(b, m.Key)
	b = appendBlob(b, m.Value)
	b = appendVarint(b, int64(len(m.Headers)))
	for _, h := range m.Headers {
		b = append(appendVarint(b, int64(len(h.Key))), h.Key...)
		b = appendBlob(b, h.Value)
	}
	return b
}

// Encoder makes record batches in buffers that it keeps. Not for concurrent use.
type Encoder struct {
	records []byte
	batch   []byte
}

// Encode makes a batch of the messages, which must not be none, with base offset 0. now, in milliseconds since 1970, stands in for times
// that are zero. The batch is valid until the next call.
func (e *Encoder) Encode(ms []*Message, c Codec, s Producer, now int64) ([]byte, error) {
	first, last := int64(0), int64(0)
	e.records = e.records[:0]
	for i, m := range ms {
		t := now
		if !m.Time.IsZero() {
			t = m.Time.UnixMilli()
		}
		if i == 0 {
			first, last = t, t
		}
		last = max(last, t)
		e.records = appendRecord(e.records, m, t-first, int64(i))
	}
	b := append(e.batch[:0], make([]byte, HeaderSize)...)
	attributes := c
	b, err := pack(b, c, e.records)
	if err != nil {
		return nil, err
	}
	if c != None && len(b)-HeaderSize >= len(e.records) { // compression that does not help is left off
		attributes = None
		b = append(b[:HeaderSize], e.records...)
	}
	e.batch = b
	sealHeader(b, int16(attributes), int32(len(ms)-1), first, last, s, int32(len(ms)))
	return b, nil
}

// sealHeader fills in a batch's header; offsets and leader epoch are the broker's to set.
func sealHeader(b []byte, attributes int16, lastDelta int32, first, last int64, s Producer, count int32) {
	binary.BigEndian.PutUint64(b, 0)
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-lengthStart))
	binary.BigEndian.PutUint32(b[12:], ^uint32(0))
	b[16] = 2
	binary.BigEndian.PutUint16(b[21:], uint16(attributes))
	binary.BigEndian.PutUint32(b[23:], uint32(lastDelta))
	binary.BigEndian.PutUint64(b[27:], uint64(first))
	binary.BigEndian.PutUint64(b[35:], uint64(last))
	binary.BigEndian.PutUint64(b[43:], uint64(s.ID))
	binary.BigEndian.PutUint16(b[51:], uint16(s.Epoch))
	binary.BigEndian.PutUint32(b[53:], uint32(s.Sequence))
	binary.BigEndian.PutUint32(b[57:], uint32(count))
	binary.BigEndian.PutUint32(b[17:], castagnoliSum(b[crcStart:]))
}
