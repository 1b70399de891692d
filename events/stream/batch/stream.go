package batch

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"headcount/events"
)

// Stream reads the records of one batch that is not to be held as a whole, a piece after the other. It checks all that AppendRecords
// does, and finds it alike. What it holds does not grow with the batch: a piece of 1 MiB or a record, and what the codec may
// reach back. One is open at a time in a process, however many partitions it reads. Not for concurrent use.
type Stream struct {
	h      Header
	packed []byte
	from   events.Offset

	in *unpacked
	place
	buf   []byte
	at    int // unread from there on
	ended bool
}

// turn holds one while a Stream is open.
var turn = make(chan struct{}, 1)

const (
	pieceBytes    = 1 << 20
	pieceRecords  = 1 << 10
	longestVarint = binary.MaxVarintLen64
	// mostKept is what is kept of a refused record's key, and of its value.
	mostKept = 1 << 20
)

// Refused is what stands in the log and is no record for anybody: one that is too long, or all of a batch that its producer broke.
type Refused struct {
	First, Last events.Offset
	Reason      events.Reason
	Timestamp   int64  // milliseconds since 1970, as of a record
	Key, Value  []byte // of a single record, as much as 1 MiB of each; nil: none. Valid until the next call
	Bytes       int64  // of its key and value in all
}

// OpenStream opens a batch whose CRC was checked, to read the records at offset from and later. It waits until no other is open, as long
// as the context lasts.
func OpenStream(ctx context.Context, h *Header, packed []byte, from events.Offset) (*Stream, error) {
	select {
	case turn <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return &Stream{h: *h, packed: packed, from: from, in: unpackeds.Get().(*unpacked)}, nil
}

// Close gives the memory back, and lets the next be opened.
func (s *Stream) Close() {
	s.in.end()
	unpackeds.Put(s.in)
	s.in, s.buf, s.packed = nil, nil, nil
	<-turn
}

// Check reads the whole batch, and begins again. The error says how it is broken.
func (s *Stream) Check() error {
	if err := s.h.checkCount(); err != nil {
		return err
	}
	if err := s.begin(); err != nil {
		return fmt.Errorf("uncompress: %w", err)
	}
	var records []events.Record
	for {
		var err error
		if records, _, err = s.Next(records[:0]); errors.Is(err, io.EOF) {
			return s.begin()
		} else if err != nil {
			return err
		}
	}
}

func (s *Stream) begin() error {
	s.place, s.buf, s.at, s.ended = place{last: -1}, s.buf[:0], 0, false
	return s.in.begin(s.h.Codec(), s.packed)
}

// Next appends the records that come next, which may be none, and returns what is refused behind them; nil: nothing. io.EOF: that
// was all. They are valid until the next call.
func (s *Stream) Next(to []events.Record) ([]events.Record, *Refused, error) {
	if err := s.fill(pieceBytes); err != nil {
		return to, nil, err
	}
	if s.done == s.h.Count {
		if s.at < len(s.buf) {
			return to, nil, fmt.Errorf("bytes left over after %d records", s.h.Count)
		}
		return to, nil, io.EOF
	}
	until, end, size, err := s.whole()
	if err != nil {
		return to, nil, fmt.Errorf("record %d of %d: %w", until, s.h.Count, err)
	}
	if until > s.done {
		piece := s.buf[s.at:end]
		s.at = end
		to, err = appendRecords(to, &s.h, piece, s.from, &s.place, until)
		return to, nil, err
	}
	if size <= MostRecord {
		return to, nil, s.fill(size + longestVarint)
	}
	refused, err := s.long()
	if err != nil {
		return to, nil, fmt.Errorf("record %d of %d: %w", s.done, s.h.Count, err)
	}
	return to, refused, nil
}

// whole says up to which record, and where it ends, the buffer holds them whole; and, where it holds not one, the size of the first.
func (s *Stream) whole() (until int32, end, size int, err error) {
	until, end = s.done, s.at
	for until < s.h.Count && until-s.done < pieceRecords {
		n, begin := varint(s.buf, end)
		if begin < 0 && !s.ended && len(s.buf)-end < longestVarint {
			break
		}
		if begin < 0 || n < leastRecord-1 || n > MostContent {
			return until, end, 0, errRecord
		}
		if n > int64(len(s.buf)-begin) || n > MostRecord {
			if s.ended && n > int64(len(s.buf)-begin) {
				return until, end, 0, errRecord
			}
			return until, end, int(n), nil
		}
		until, end = until+1, begin+int(n)
	}
	return until, end, 0, nil
}

// long passes the record at hand, which is longer than is read, and checks it as any other.
func (s *Stream) long() (*Refused, error) {
	size, at := varint(s.buf, s.at)
	s.at = at
	l := longRecord{Stream: s, left: size}
	l.skip(1, 0) // attributes
	time, delta := l.varint(), l.varint()
	key, keyBytes := l.blob(-1)
	value, valueBytes := l.blob(-1)
	headers := l.varint()
	if headers < 0 || headers > l.left/2 {
		l.fail(errRecord)
	}
	for ; headers > 0 && l.err == nil; headers-- {
		l.blob(0)
		l.blob(-1)
	}
	switch {
	case l.err != nil:
		return nil, l.err
	case l.left != 0:
		return nil, fmt.Errorf("%d bytes left over", l.left)
	case delta <= s.last || delta > int64(s.h.LastDelta):
		return nil, fmt.Errorf("offset delta %d after %d, the last is %d", delta, s.last, s.h.LastDelta)
	}
	s.done, s.last = s.done+1, delta
	offset := s.h.Base + events.Offset(delta)
	if offset < s.from {
		return nil, nil
	}
	stamp := s.h.FirstTime + time
	if s.h.Attributes&logAppendTimeBit != 0 {
		stamp = s.h.MaxTime
	}
	return &Refused{First: offset, Last: offset, Reason: events.OverLimit, Timestamp: stamp, Key: key, Value: value, Bytes: keyBytes + valueBytes}, nil
}

// longRecord passes the parts of a record.
type longRecord struct {
	*Stream
	left int64 // of the record, in bytes
	err  error
}

func (l *longRecord) fail(err error) {
	if l.err == nil {
		l.err = err
	}
}

func (l *longRecord) varint() int64 {
	if l.err != nil {
		return 0
	}
	if err := l.fill(longestVarint); err != nil {
		l.fail(err)
		return 0
	}
	v, after := varint(l.buf, l.at)
	if after < 0 || int64(after-l.at) > l.left {
		l.fail(errRecord)
		return 0
	}
	l.left -= int64(after - l.at)
	l.at = after
	return v
}

// blob passes bytes behind their length, which is no less than least, and returns some of them, and how many they are.
func (l *longRecord) blob(least int64) ([]byte, int64) {
	n := l.varint()
	if n < least || n > l.left {
		l.fail(errRecord)
	}
	if n < 0 || l.err != nil {
		return nil, 0
	}
	return l.skip(n, mostKept), n
}

// skip passes n bytes and returns a copy of the first, keep at most.
func (l *longRecord) skip(n int64, keep int) []byte {
	l.left -= n
	kept := make([]byte, 0, min(n, int64(keep)))
	for n > 0 && l.err == nil {
		if err := l.fill(1); err != nil {
			l.fail(err)
			break
		}
		some := l.buf[l.at:min(int64(len(l.buf)), int64(l.at)+n)]
		if len(some) == 0 {
			l.fail(errRecord)
		}
		kept = append(kept, some[:min(len(some), cap(kept)-len(kept))]...)
		l.at += len(some)
		n -= int64(len(some))
	}
	return kept
}

// fill has n bytes be there to be read, fewer where the batch ends.
func (s *Stream) fill(n int) error {
	if len(s.buf)-s.at >= n || s.ended {
		return nil
	}
	if cap(s.buf) < n {
		s.buf = append(make([]byte, 0, max(n, 2*pieceBytes)), s.buf[s.at:]...)
	} else {
		s.buf = s.buf[:copy(s.buf, s.buf[s.at:])]
	}
	s.at = 0
	for len(s.buf) < n {
		got, err := s.in.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf = s.buf[:len(s.buf)+got]
		if errors.Is(err, io.EOF) {
			s.ended = true
			return nil
		}
		if err != nil {
			return fmt.Errorf("uncompress: %w", err)
		}
	}
	return nil
}
