package events

import "encoding/binary"

// EncodeHeader appends a header as record batches v2 hold it. A nil value is null.
func EncodeHeader(dst []byte, key string, value []byte) []byte {
	dst = binary.AppendVarint(dst, int64(len(key)))
	dst = append(dst, key...)
	if value == nil {
		return binary.AppendVarint(dst, -1)
	}
	dst = binary.AppendVarint(dst, int64(len(value)))
	return append(dst, value...)
}

// EncodedHeaders returns the record's headers, to be walked over.
func (r *Record) EncodedHeaders() Headers { return Headers{rest: r.Headers} }

// Headers walks over encoded headers. The slices that it gives alias them.
type Headers struct{ rest []byte }

// Rest returns what lies behind the headers read so far.
func (h *Headers) Rest() []byte { return h.rest }

// Next reads a header; false: there is none that the wire format allows. A null value is nil.
func (h *Headers) Next() (key, value []byte, ok bool) {
	if key, ok = h.field(); !ok || key == nil {
		return nil, nil, false
	}
	value, ok = h.field()
	return key, value, ok
}

// field reads a length and as many bytes; a length of −1 is nil.
func (h *Headers) field() ([]byte, bool) {
	if len(h.rest) > 0 && h.rest[0] < 0x80 && h.rest[0]&1 == 0 { // up to 63 bytes: most
		if end := 1 + int(h.rest[0]>>1); end <= len(h.rest) {
			f := h.rest[1:end:end]
			h.rest = h.rest[end:]
			return f, true
		}
		return nil, false
	}
	n, width := binary.Varint(h.rest)
	if width <= 0 || n < -1 || n > int64(len(h.rest)-width) {
		return nil, false
	}
	if n == -1 {
		h.rest = h.rest[width:]
		return nil, true
	}
	end := width + int(n)
	f := h.rest[width:end:end]
	h.rest = h.rest[end:]
	return f, true
}
