package batch

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"headcount/endtoend/guard"
	"headcount/events"
)

// plainRecords reads records by encoding/binary; nil, false where they are wrong.
func plainRecords(h *Header, b []byte, from events.Offset) (recs []events.Record, ok bool) {
	last := int64(-1)
	for range h.Count {
		size, n := binary.Varint(b)
		if n <= 0 || size < 0 || size > int64(len(b)-n) {
			return nil, false
		}
		r := b[n : n+int(size)]
		b = b[n+int(size):]
		bad := len(r) == 0
		number := func() int64 {
			v, n := binary.Varint(r)
			if n <= 0 {
				bad = true
				return 0
			}
			r = r[n:]
			return v
		}
		blob := func() []byte {
			n := number()
			if n < -1 || n > int64(len(r)) {
				bad = true
			}
			if bad || n == -1 {
				return nil
			}
			v := r[:n]
			r = r[n:]
			return v
		}
		if bad {
			return nil, false
		}
		r = r[1:]
		rec := events.Record{Timestamp: h.FirstTime + number()}
		delta := number()
		rec.Offset = h.Base + events.Offset(delta)
		rec.Key, rec.Value = blob(), blob()
		count := number()
		if bad || count < 0 || count > int64(len(r)) || delta <= last || delta > int64(h.LastDelta) {
			return nil, false
		}
		last = delta
		if rec.HeaderCount = int(count); count > 0 {
			rec.Headers = r
		}
		for range count {
			if key := blob(); key == nil {
				bad = true
			}
			blob()
		}
		if bad || len(r) > 0 {
			return nil, false
		}
		if rec.Offset >= from {
			recs = append(recs, rec)
		}
	}
	return recs, len(b) == 0
}

func sameRecords(tb testing.TB, b []byte, count, lastDelta int32, from events.Offset) bool {
	tb.Helper()
	h := &Header{Base: 1000, Count: count, LastDelta: lastDelta, FirstTime: 1_700_000_000_000}
	got, err := AppendRecords(nil, h, b, from)
	want, ok := plainRecords(h, b, from)
	if ok != (err == nil) {
		tb.Fatalf("%x: %v; read plainly, it is right: %v", b, err, ok)
	}
	if !ok {
		return false
	}
	if len(got) != len(want) {
		tb.Fatalf("%x: %d records, want %d", b, len(got), len(want))
	}
	for i := range got {
		g, w := &got[i], &want[i]
		if g.Offset != w.Offset || g.Timestamp != w.Timestamp || g.HeaderCount != w.HeaderCount || !bytes.Equal(g.Headers, w.Headers) ||
			!bytes.Equal(g.Key, w.Key) || !bytes.Equal(g.Value, w.Value) || (g.Key == nil) != (w.Key == nil) || (g.Value == nil) != (w.Value == nil) {
			tb.Fatalf("%x: record %d is %+v, want %+v", b, i, g, w)
		}
	}
	return true
}

// randomRecords writes a few records, of which some have no key, no value, headers or long numbers; sometimes many.
func randomRecords(r *rand.Rand) (b []byte, count, lastDelta int32) {
	blob := func(r *rand.Rand, b []byte) []byte {
		if r.IntN(8) == 0 {
			return append(b, 1)
		}
		n := []int{0, 1, 2, 36, 63, 64, 250, 9000}[r.IntN(8)]
		return append(binary.AppendVarint(b, int64(n)), make([]byte, n)...)
	}
	delta, alike := int64(0), r.IntN(2) == 0
	n := r.IntN(5)
	if r.IntN(50) == 0 {
		n = r.IntN(4 * extentsAtOnce)
	}
	for range n {
		rec := binary.AppendVarint([]byte{0}, []int64{0, -5, 63, 64, 8191, 8192, 1 << 20, 1 << 21, 1 << 40, -1 << 40}[r.IntN(10)])
		rec = binary.AppendVarint(rec, delta)
		lastDelta = int32(delta)
		delta += int64(1 + r.IntN(3)*r.IntN(9000))
		rec = blob(r, blob(r, rec))
		headers := r.IntN(3) * r.IntN(2)
		if r.IntN(4) > 0 && alike {
			headers, rec = 0, append(rec, 2, 2, 'k', 4, 'v', 'w')
		} else {
			rec = binary.AppendVarint(rec, int64(headers))
		}
		for range headers {
			rec = blob(r, append(rec, 2, 'k'))
		}
		b = append(binary.AppendVarint(b, int64(len(rec))), rec...)
		count++
	}
	return b, count, lastDelta
}

// TestRecords holds records against a plain reading of them, also after a few bytes were changed.
func TestRecords(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	memory, free := guard.Memory(16 << 20)
	defer free()
	spoilt := 0
	for range 20_000 {
		b, count, last := randomRecords(r)
		end := memory[len(memory)-len(b):]
		copy(end, b)
		b = end
		if !sameRecords(t, b, count, last, 1000+events.Offset(r.IntN(2)*r.IntN(100))) {
			t.Fatalf("%x: %d records up to %d are refused", b, count, last)
		}
		for range 4 {
			if len(b) == 0 {
				break
			}
			if i := r.IntN(min(len(b), 1+1<<r.IntN(14))); r.IntN(8) == 0 {
				b = b[len(b)-copy(b[len(b)-i:], b[:i]):]
			} else {
				b[i] += byte(1 << r.IntN(8))
			}
			if !sameRecords(t, b, count, last, 1000) {
				spoilt++
			}
		}
	}
	if spoilt < 1000 {
		t.Errorf("only %d were refused", spoilt)
	}
}

// FuzzRecords holds any bytes against a plain reading of them.
func FuzzRecords(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		b, count, last := randomRecords(r)
		f.Add(b, count, last)
	}
	f.Fuzz(func(t *testing.T, b []byte, count, last int32) {
		if count < 0 || last < 0 {
			return
		}
		sameRecords(t, b, count, last, 1000)
	})
}

// TestVarint reads every number of up to two bytes and some longer ones, whole and cut short, as encoding/binary does.
func TestVarint(t *testing.T) {
	check := func(b []byte) {
		want, n := binary.Varint(b)
		if n <= 0 {
			want, n = 0, -2
		}
		if got, end := varint(append([]byte{0xff}, b...), 1); got != want || end != n+1 {
			t.Fatalf("%x: %d to %d, want %d to %d", b, got, end, want, n+1)
		}
	}
	check(nil)
	for c := range 256 {
		check([]byte{byte(c)})
		for d := range 256 {
			check([]byte{byte(c), byte(d)})
			for _, e := range []byte{0, 1, 0x7f, 0x80, 0xff} {
				check([]byte{byte(c), byte(d), e})
				check([]byte{byte(c), byte(d), e, 0x80, 5})
			}
		}
	}
	for _, v := range []int64{math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64} {
		check(binary.AppendVarint(nil, v))
	}
}

// TestIsAbort reads marks, and what is none.
func TestIsAbort(t *testing.T) {
	record := func(key []byte) []byte {
		r := []byte{0, 0, 0}
		if key == nil {
			r = append(r, 1)
		} else {
			r = append(binary.AppendVarint(r, int64(len(key))), key...)
		}
		r = append(r, 12, 0, 0, 0, 0, 0, 0, 0) // version, coordinator's epoch; no headers
		return append(binary.AppendVarint(nil, int64(len(r))), r...)
	}
	for _, c := range []struct {
		key   []byte
		abort bool
	}{{[]byte{0, 0, 0, 0}, true}, {[]byte{0, 0, 0, 1}, false}, {[]byte{0, 0, 0}, false}, {[]byte{}, false}, {nil, false}} {
		if got := isAbort(record(c.key)); got != c.abort {
			t.Errorf("key %x: %t", c.key, got)
		}
	}
	if isAbort(record([]byte{0, 0, 0, 0})[:8]) {
		t.Error("a record cut short")
	}
}
