package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"headcount/counter"
	"headcount/events"
)

// A segment is a binary file (block.go) of parts (part.go), sorted by month, on time before late, app; the parts of a window
// follow each other in the order they must be applied in.
const (
	segmentVersion = 2
	partsBlock     = blockType(1) // parts, one after another
	endBlock       = blockType(2) // number of parts, fingerprints, facts; the last block

	blockTarget = 256 << 10 // a block that has reached it is put out
)

var segmentMagic = magic{'H', 'C', 'S', 'E', 'G', 'M', 'T', '\n'}

// segmentCounts counts what a segment holds.
type segmentCounts struct{ parts, fingerprints, facts uint64 }

func (t *segmentCounts) add(w *counter.WindowDelta) {
	t.parts++
	t.fingerprints += uint64(len(w.Fingerprints))
	t.facts += uint64(len(w.Facts))
}

func compareWindows(a, b counter.WindowID) int {
	if a.Month != b.Month {
		return int(a.Month) - int(b.Month)
	}
	if a.Late != b.Late {
		return int(lateByte(a.Late)) - int(lateByte(b.Late))
	}
	return strings.Compare(a.App, b.App)
}

// segmentWriter puts out a segment, part by part.
type segmentWriter struct {
	blocks *blockWriter
	buf    []byte
	counts segmentCounts
	months []events.Month // seen, on time
	late   []events.Month // seen, late
}

func newSegmentWriter(w io.Writer) (*segmentWriter, error) {
	blocks, err := newBlockWriter(w, segmentMagic, segmentVersion)
	return &segmentWriter{blocks: blocks, months: []events.Month{}, late: []events.Month{}}, err
}

func (s *segmentWriter) write(w *counter.WindowDelta) (err error) {
	if s.buf, err = appendPart(s.buf, w); err != nil {
		return err
	}
	s.counts.add(w)
	seen := &s.months
	if w.Late {
		seen = &s.late
	}
	if n := len(*seen); n == 0 || (*seen)[n-1] != w.Month {
		*seen = append(*seen, w.Month) // sorted, as parts are
	}
	if len(s.buf) >= blockTarget {
		return s.flush()
	}
	return nil
}

func (s *segmentWriter) flush() error {
	if len(s.buf) == 0 {
		return nil
	}
	err := s.blocks.write(partsBlock, s.buf)
	s.buf = s.buf[:0]
	return err
}

// finish puts out the end.
func (s *segmentWriter) finish() error {
	if err := s.flush(); err != nil {
		return err
	}
	b := binary.AppendUvarint(nil, s.counts.parts)
	b = binary.AppendUvarint(b, s.counts.fingerprints)
	return s.blocks.write(endBlock, binary.AppendUvarint(b, s.counts.facts))
}

// segmentReader reads a segment, part by part. It is a source.
type segmentReader struct {
	file   string
	blocks *blockReader
	parts  cursor // what is left of the block
	at     int64  // offset of the block
	block  int    // ordinal of the block
	last   counter.WindowID
	counts segmentCounts
	ended  bool
}

// openSegment opens a segment. What is read is written to sum too, all of the file when its end is reached.
func openSegment(file string, f File, sum io.Writer) (*segmentReader, error) {
	if err := readHeader(file, f, f.Size(), segmentMagic, segmentVersion); err != nil {
		return nil, err
	}
	blocks := newBlockReader(file, f, 0, f.Size())
	blocks.r.Reset(io.TeeReader(io.NewSectionReader(f, 0, f.Size()), sum))
	if _, err := blocks.r.Discard(headerSize); err != nil {
		return nil, fmt.Errorf("%s: read header: %w", file, err)
	}
	blocks.at = headerSize
	return &segmentReader{file: file, blocks: blocks}, nil
}

// next returns the next part, io.EOF after the last. What it returns aliases nothing.
func (s *segmentReader) next() (*counter.WindowDelta, error) {
	for len(s.parts.b) == 0 {
		if err := s.nextBlock(); err != nil {
			return nil, err
		}
	}
	w, err := parsePart(&s.parts)
	if err != nil {
		return nil, damage(s.file, s.at, "%v", err)
	}
	if s.counts.parts > 0 && compareWindows(s.last, w.WindowID) > 0 {
		return nil, damage(s.file, s.at, "windows out of order")
	}
	s.last = w.WindowID
	s.counts.add(&w)
	return &w, nil
}

func (s *segmentReader) nextBlock() error {
	s.at = s.blocks.at
	t, payload, err := s.blocks.next()
	switch {
	case errors.Is(err, io.EOF) && s.ended:
		return io.EOF
	case errors.Is(err, io.EOF):
		return damage(s.file, s.at, "the end block is missing")
	case err != nil:
		return err
	case s.ended:
		return damage(s.file, s.at, "blocks after the end")
	}
	s.parts = cursor{b: payload}
	s.block++
	switch {
	case t == partsBlock && len(payload) > 0:
		return nil
	case t == endBlock:
		const all = 1<<64 - 1
		want := segmentCounts{s.parts.uvarint(all), s.parts.uvarint(all), s.parts.uvarint(all)}
		if s.parts.done() != nil || want != s.counts {
			return damage(s.file, s.at, "the end block does not count what came before")
		}
		s.ended = true
		return nil
	}
	return damage(s.file, s.at, "block of %d bytes and unknown type %d", len(payload), t)
}
