package checkpoint

import (
	"encoding/binary"
	"errors"
)

// cursor takes a payload apart. The first thing that is not there makes it fail; from then on it yields zeros.
type cursor struct {
	b   []byte
	err error
}

var errPayload = errors.New("the content does not follow the format")

func (c *cursor) fail() {
	if c.err == nil {
		c.err = errPayload
	}
	c.b = nil
}

// uvarint takes an unsigned varint of at most max, in its shortest form.
func (c *cursor) uvarint(max uint64) uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 || v > max || n > 1 && c.b[n-1] == 0 {
		c.fail()
		return 0
	}
	c.b = c.b[n:]
	return v
}

// varint takes a signed varint.
func (c *cursor) varint() int64 {
	u := c.uvarint(1<<64 - 1)
	return int64(u>>1) ^ -int64(u&1)
}

// byte takes a byte of at most max.
func (c *cursor) byte(max byte) byte {
	if len(c.b) == 0 || c.b[0] > max {
		c.fail()
		return 0
	}
	v := c.b[0]
	c.b = c.b[1:]
	return v
}

// bytes takes n bytes; they alias the payload.
func (c *cursor) bytes(n uint64) []byte {
	if n > uint64(len(c.b)) {
		c.fail()
		return nil
	}
	v := c.b[:n:n]
	c.b = c.b[n:]
	return v
}

// string takes a length and that many bytes.
func (c *cursor) string(max uint64) string { return string(c.bytes(c.uvarint(max))) }

// count takes the number of things that follow, each of at least size bytes: so that what is allocated for them is bounded by
// what is there.
func (c *cursor) count(max, size uint64) int {
	n := c.uvarint(max)
	if n > uint64(len(c.b))/size {
		c.fail()
		return 0
	}
	return int(n)
}

// done says whether all was well, and nothing is left.
func (c *cursor) done() error {
	if c.err == nil && len(c.b) > 0 {
		c.fail()
	}
	return c.err
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendVarint(b []byte, v int64) []byte {
	return binary.AppendUvarint(b, uint64(v)<<1^uint64(v>>63))
}
