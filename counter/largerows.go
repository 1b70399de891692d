package counter

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"headcount/events"
	"headcount/events/identity"
)

// largeRows reads a large window in passes, each over a range of fingerprints: what lies by ordinal and by kind and day is
// turned into rows in memory for one pass at a time. A pass costs a walk over all entries and facts.
type largeRows struct {
	large  *large
	kinds  []events.Kind
	passes int
	pass   int // the next

	// The current pass.
	members []uint64 // ordinals in range, a bit each
	ranks   []uint32 // ordinals in range before each word of members
	days    []uint32 // by rank, then kind as in kinds: bit d for day d
	order   []sortedPrint
	spare   []sortedPrint
	next    int // of order
}

// sortedPrint is a fingerprint as two numbers that compare as its bytes do.
type sortedPrint struct {
	high, low uint64
	rank      uint32
}

func printOf(p sortedPrint) (f identity.Fingerprint) {
	binary.BigEndian.PutUint64(f[:8], p.high)
	binary.BigEndian.PutUint64(f[8:], p.low)
	return f
}

// passBytes is what a pass may take of memory where the window is small; a large one may add a fraction of its own size.
const passBytes = 32 << 20

func newLargeRows(l *large) *largeRows {
	r := &largeRows{large: l, kinds: l.kinds()}
	need := uint64(l.Len()) * uint64(2*24+4*len(r.kinds))
	r.passes = int(1 + need/max(passBytes, 16*uint64(l.Len())))
	return r
}

func (r *largeRows) fill(buf []Row) int {
	for r.next == len(r.order) {
		if r.pass == r.passes {
			return 0
		}
		r.load()
	}
	n := min(len(buf), len(r.order)-r.next)
	for i, p := range r.order[r.next : r.next+n] {
		row := &buf[i]
		*row = Row{Fingerprint: printOf(p)}
		days := r.days[int(p.rank)*len(r.kinds):]
		for j, k := range r.kinds {
			if days[j] != 0 {
				row.Kinds = row.Kinds.With(k)
				row.Days[k] = days[j]
			}
		}
	}
	r.next += n
	return n
}

// load prepares the next pass.
func (r *largeRows) load() {
	from, to := r.bounds(r.pass)
	r.pass++
	r.gather(from, to)
	sortPrints(r.order, &r.spare, from, to)
	r.next = 0
	r.days = resized(r.days, len(r.order)*len(r.kinds))
	buf := make([]uint32, 4096)
	for j, k := range r.kinds {
		for day, facts := range r.large.facts[k] {
			if facts == nil {
				continue
			}
			bit := uint32(1) << day
			it := facts.ManyIterator()
			for n := it.NextMany(buf); n > 0; n = it.NextMany(buf) {
				for _, ordinal := range buf[:n] {
					word, at := r.members[ordinal/64], ordinal%64
					if word>>at&1 == 0 {
						continue
					}
					rank := r.ranks[ordinal/64] + uint32(bits.OnesCount64(word&(1<<at-1)))
					r.days[int(rank)*len(r.kinds)+j] |= bit
				}
			}
		}
	}
}

// bounds returns the first bytes of the fingerprints of a pass, as a number: from, inclusive, and the last.
func (r *largeRows) bounds(pass int) (from, last uint64) {
	width := ^uint64(0)/uint64(r.passes) + 1 // with one pass: 0
	from = width * uint64(pass)
	last = from + width - 1
	if pass == r.passes-1 {
		last = ^uint64(0)
	}
	return from, last
}

// gather collects what lies in range, in order of ordinals, which are ranks then.
func (r *largeRows) gather(from, last uint64) {
	words := (int(r.large.Len()) + 63) / 64
	r.members, r.ranks = resized(r.members, words), resized(r.ranks, words)
	r.order = r.order[:0]
	word := 0
	for first := uint32(0); first < r.large.Len(); {
		entries := r.large.Entries(first)
		first += uint32(len(entries))
		for len(entries) > 0 { // in parts that end at multiples of 64
			part := entries[:min(len(entries), 64)]
			entries = entries[len(part):]
			r.ranks[word] = uint32(len(r.order))
			for i := range part {
				print := &part[i].Print
				if h := high(print); from <= h && h <= last {
					r.members[word] |= 1 << i
					r.order = append(r.order, sortedPrint{high: h, low: low(print), rank: uint32(len(r.order))})
				}
			}
			word++
		}
	}
}

// sortPrints sorts prints whose first bytes lie between from and last. They are uniform: dealt by their place in the range they
// all but lie right.
func sortPrints(prints []sortedPrint, spare *[]sortedPrint, from, last uint64) {
	if len(prints) < 2 {
		return
	}
	shift := max(0, bits.Len64(last-from)-bits.Len(uint(len(prints)/8)))
	starts := make([]uint32, (last-from)>>shift+2)
	for i := range prints {
		starts[(prints[i].high-from)>>shift+1]++
	}
	for i := 1; i < len(starts); i++ {
		starts[i] += starts[i-1]
	}
	if cap(*spare) < len(prints) {
		*spare = make([]sortedPrint, len(prints))
	}
	dealt := (*spare)[:len(prints)]
	for i := range prints {
		at := &starts[(prints[i].high-from)>>shift]
		dealt[*at] = prints[i]
		*at++
	}
	copy(prints, dealt)
	begin := 0
	for _, end := range starts[:len(starts)-1] { // each start has moved to its end
		if part := prints[begin:end]; len(part) > 1 {
			slices.SortFunc(part, compareSorted)
		}
		begin = int(end)
	}
}

func compareSorted(a, b sortedPrint) int {
	switch {
	case a.high < b.high:
		return -1
	case a.high > b.high:
		return 1
	case a.low < b.low:
		return -1
	case a.low > b.low:
		return 1
	}
	return 0
}

// resized returns n zeros, in the memory of s where it has room.
func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}
