package batch

import (
	"encoding/binary"
	"fmt"

	"headcount/events"
)

// Writer makes record batches in memory, as a producer sends them and a fetch has them: it and Reader are for where no broker is, as in
// measuring. Not for concurrent use.
type Writer struct{ encoder Encoder }

// Write returns a batch of the messages, the first of which has offset base, compressed as ParseCodec understands it. It
// is valid until the next call.
func (w *Writer) Write(messages []*Message, base events.Offset, compression string) ([]byte, error) {
	c, ok := ParseCodec(compression)
	if !ok || len(messages) == 0 || base < 0 {
		return nil, fmt.Errorf("no batch of %d messages at offset %d, compressed by %q", len(messages), base, compression)
	}
	b, err := w.encoder.Encode(messages, c, Producer{ID: -1, Epoch: -1, Sequence: -1}, 0)
	if err == nil {
		binary.BigEndian.PutUint64(b, uint64(base)) // as the broker does; the checksum leaves it out
	}
	return b, err
}
