package recount

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// sealedApp is an app's head in a sealed file.
type sealedApp struct {
	section   byte // 0 on time, 1 late
	app       string
	devices   uint64
	counters  Counters
	repeats   uint64 // duplicates
	stretch   Stretch
	salt      salt // of the registers
	registers map[int][]byte
	totals    totals
}

// row is a device in a sealed file.
type row struct {
	who  print
	days [16]uint32
}

// sealedReader reads a sealed file from its beginning. Before apps and rows it has hashed nothing: sum tells at the end.
type sealedReader struct {
	in        *bufio.Reader
	hash      interface{ Sum([]byte) []byte }
	size      int64
	precision int
	app       *sealedApp
	rows      []row
	seen      uint64 // rows of the app
	ended     bool
	apps      [2]uint64
	count     [2]uint64
	blockType uint32
	block     []byte // the next one; nil: not read
}

var errForm = errors.New("it does not follow the format")

type counting struct {
	r io.Reader
	n *int64
}

func (c counting) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	*c.n += int64(n)
	return n, err
}

func newSealedReader(in io.Reader, precision int) (*sealedReader, error) {
	h := sha256.New()
	s := &sealedReader{hash: h, precision: precision}
	s.in = bufio.NewReaderSize(io.TeeReader(counting{in, &s.size}, h), 1<<18)
	var head [16]byte
	if _, err := io.ReadFull(s.in, head[:]); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if string(head[:8]) != "HCSEALD\n" {
		return nil, fmt.Errorf("it begins with %q", head[:8])
	}
	if head[10]|head[11] != 0 || binary.LittleEndian.Uint32(head[12:]) != crc(head[:12]) {
		return nil, errors.New("the checksum of its header is wrong")
	}
	if err := version(int(binary.LittleEndian.Uint16(head[8:])), 2); err != nil {
		return nil, err
	}
	return s, nil
}

func crc(parts ...[]byte) (sum uint32) {
	for _, b := range parts {
		sum = crc32.Update(sum, crc32.MakeTable(crc32.Castagnoli), b)
	}
	return sum
}

// peek reads the next block, once.
func (s *sealedReader) peek() error {
	if s.block != nil {
		return nil
	}
	var head [12]byte
	if _, err := io.ReadFull(s.in, head[:]); err != nil {
		return fmt.Errorf("it ends without its end block: %w", err)
	}
	size := binary.LittleEndian.Uint32(head[:])
	if size > 8<<20 {
		return errForm
	}
	s.block = make([]byte, size)
	if _, err := io.ReadFull(s.in, s.block); err != nil {
		return fmt.Errorf("it ends within a block: %w", err)
	}
	if crc(head[:8], s.block) != binary.LittleEndian.Uint32(head[8:]) {
		return errors.New("a block's checksum does not match")
	}
	s.blockType = binary.LittleEndian.Uint32(head[4:])
	return nil
}

// nextApp returns the next app; nil at the end.
func (s *sealedReader) nextApp() (*sealedApp, error) {
	for { // rows that were left
		r, err := s.nextRow()
		if err != nil {
			return nil, err
		}
		if r == nil {
			break
		}
	}
	if s.ended {
		return nil, nil
	}
	if err := s.peek(); err != nil {
		return nil, err
	}
	block := s.block
	s.block = nil
	switch s.blockType {
	case 3:
		s.ended = true
		return nil, s.end(block)
	case 1:
	default:
		return nil, errForm
	}
	a, quantities, err := s.parseApp(block)
	if err != nil {
		return nil, err
	}
	if p := s.app; p != nil && (a.section < p.section || a.section == p.section && a.app <= p.app) {
		return nil, fmt.Errorf("app %q comes after app %q", a.app, p.app)
	}
	s.app, s.seen, s.rows = a, 0, nil
	s.apps[a.section]++
	for uint64(len(a.totals)) < quantities {
		if err := s.peek(); err != nil {
			return nil, err
		}
		if s.blockType != 4 {
			return nil, errForm
		}
		c := taker{s.block}
		s.block = nil
		for len(c.b) > 0 {
			q := Quantity{Meter: c.text(), Source: c.text()}
			q.Day = int(c.byte())
			u := c.uvarint()
			t := Standing{int64(u>>1) ^ -int64(u&1), int64(c.uvarint())}
			if _, twice := a.totals[q]; c.b == nil || twice {
				return nil, errForm
			}
			a.totals[q] = t
		}
	}
	return a, nil
}

func (s *sealedReader) end(block []byte) error {
	if len(block) != 40 {
		return errForm
	}
	n := func(i int) uint64 { return binary.LittleEndian.Uint64(block[8*i:]) }
	if n(1) != s.apps[0] || n(2) != s.count[0] || n(3) != s.apps[1] || n(4) != s.count[1] {
		return errors.New("it does not hold as many apps and rows as its end says")
	}
	if _, err := s.in.ReadByte(); !errors.Is(err, io.EOF) {
		return errors.New("bytes after its end")
	}
	return nil
}

// rest reads on to the end of the file, so that sum is of all of it.
func (s *sealedReader) rest() { _, _ = io.Copy(io.Discard, s.in) }

func (s *sealedReader) sum() string { return "sha256:" + hex.EncodeToString(s.hash.Sum(nil)) }

// taker takes a block apart; its b is nil once something was not there.
type taker struct{ b []byte }

func (c *taker) uvarint() uint64 {
	u, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.b = nil
		return 0
	}
	c.b = c.b[n:]
	return u
}

func (c *taker) take(n uint64) []byte {
	if c.b == nil || n > uint64(len(c.b)) {
		c.b = nil
		return nil
	}
	v := c.b[:n]
	c.b = c.b[n:]
	return v
}

func (c *taker) byte() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *taker) text() string { return string(c.take(c.uvarint())) }

func (s *sealedReader) parseApp(block []byte) (*sealedApp, uint64, error) {
	c := taker{block}
	a := &sealedApp{registers: map[int][]byte{}, totals: totals{}}
	a.section = c.byte()
	a.app = c.text()
	a.devices = c.uvarint()
	a.counters.Events, a.repeats, a.counters.Skewed = c.uvarint(), c.uvarint(), c.uvarint()
	a.stretch = Stretch{Expired: c.uvarint(), Rejected: c.uvarint(), OverLimit: c.uvarint(), BeforeBooks: c.uvarint()}
	kinds := c.take(2)
	if kinds == nil || a.section > 1 {
		return nil, 0, errForm
	}
	set := binary.LittleEndian.Uint16(kinds)
	if set != 0 {
		copy(a.salt[:], c.take(16))
	}
	for k := range 16 {
		if set>>k&1 == 0 {
			continue
		}
		registers := make([]byte, 1<<s.precision)
		if c.byte() == 1 {
			copy(registers, c.take(uint64(len(registers))))
		} else {
			at := -1
			for range c.uvarint() {
				u := c.uvarint()
				if at += int(u >> 6); c.b == nil || at < 0 || at >= len(registers) {
					return nil, 0, errForm
				}
				registers[at] = byte(u & 63)
			}
		}
		a.registers[k] = registers
	}
	quantities := c.uvarint()
	if c.b == nil || len(c.b) > 0 {
		return nil, 0, errForm
	}
	return a, quantities, nil
}

// nextRow returns the next device of the app; nil where there is none.
func (s *sealedReader) nextRow() (*row, error) {
	if s.app == nil || s.seen == s.app.devices {
		return nil, nil
	}
	if len(s.rows) == 0 {
		if err := s.peek(); err != nil {
			return nil, err
		}
		if s.blockType != 2 {
			return nil, errors.New("it has fewer rows of an app than the app's head says")
		}
		n := int(min(4096, s.app.devices-s.seen))
		c := taker{s.block}
		s.block = nil
		s.rows = make([]row, n)
		for i := range s.rows {
			copy(s.rows[i].who[:], c.take(16))
		}
		sets := c.take(uint64(2 * n))
		if sets == nil {
			return nil, errForm
		}
		for i := range s.rows {
			set := binary.LittleEndian.Uint16(sets[2*i:])
			for k := range 16 {
				if set>>k&1 == 1 {
					days := c.take(4)
					if days == nil {
						return nil, errForm
					}
					s.rows[i].days[k] = binary.LittleEndian.Uint32(days)
				}
			}
		}
		if len(c.b) > 0 {
			return nil, errForm
		}
	}
	r := &s.rows[0]
	s.rows = s.rows[1:]
	s.seen++
	s.count[s.app.section]++
	return r, nil
}
