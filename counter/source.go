package counter

import (
	"errors"
	"fmt"
	"io"
)

// source is a reader, and the rows of it that are at hand.
type source struct {
	reader RowReader
	late   bool
	name   string
	header *AppHeader // nil: at its end
	last   string     // app before

	rows      []Row
	n, next   int    // n: 0 at the app's end
	high, low uint64 // of rows[next]
	read      uint64 // rows of the app
}

const sourceRows = 512

func (s *source) nextApp() error {
	h, err := s.reader.NextApp()
	if errors.Is(err, io.EOF) {
		s.header = nil
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	if h.App <= s.last {
		return fmt.Errorf("%s: app %q comes after %q: not sorted", s.name, h.App, s.last)
	}
	s.header, s.last, s.n, s.next, s.read = h, h.App, 0, 0, 0
	return nil
}

// fill reads the app's next rows.
func (s *source) fill() error {
	if n := int(min(s.header.Devices, sourceRows)); n > len(s.rows) || s.rows == nil {
		s.rows = make([]Row, min(max(n, 2*len(s.rows), 16), sourceRows))
	}
	n, err := s.reader.Rows(s.rows)
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	s.n, s.next = n, 0
	s.read += uint64(n)
	if n == 0 {
		if s.read != s.header.Devices {
			return fmt.Errorf("%s: %d rows of app %q, its header says %d", s.name, s.read, s.header.App, s.header.Devices)
		}
		return nil
	}
	s.high, s.low = high(&s.rows[0].Fingerprint), low(&s.rows[0].Fingerprint)
	return nil
}

// advance moves to the next row.
func (s *source) advance() error {
	high0, low0 := s.high, s.low
	if s.next++; s.next < s.n {
		f := &s.rows[s.next].Fingerprint
		s.high, s.low = high(f), low(f)
	} else if err := s.fill(); err != nil || s.n == 0 {
		return err
	}
	if s.high < high0 || s.high == high0 && s.low <= low0 {
		return fmt.Errorf("%s: %w", s.name, errOrder)
	}
	return nil
}

func (s *source) noKind() error {
	return fmt.Errorf("%s: the row of %s has no kind", s.name, s.rows[s.next].Fingerprint)
}

var errOrder = errors.New("rows are not sorted by fingerprint")

func (s *source) before(o *source) bool {
	return s.high < o.high || s.high == o.high && s.low < o.low
}

// down restores the heap's order below i.
func (u *union) down(i int) {
	h := u.heap
	for i < len(h) {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && h[child+1].before(h[child]) {
			child++
		}
		if !h[child].before(h[i]) {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}
