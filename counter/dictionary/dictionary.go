package dictionary

import (
	"errors"
	"slices"
	"sync"
	"unsafe"

	"headcount/events"
	"headcount/events/identity"
)

// ErrFull says that a window has as many devices as 32-bit ordinals can number. Nothing of the record was counted.
var ErrFull = errors.New("a window holds no more than 4,294,967,294 devices: split the topic into more partitions")

// MaxDevices is how many devices a dictionary holds. It leaves out two ordinals, so that ordinal plus one is never zero and a count fits 32 bits.
const MaxDevices = 1<<32 - 2

// Seen is the last day on which a device did anything, and what it did on that day: day<<16 | kinds. It is a function of the
// device's facts, so that order does not matter. Zero: nothing yet.
type Seen uint32

// SeenOn returns what a device is that did one thing on one day.
func SeenOn(day events.Day, kind events.Kind) Seen { return Seen(day)<<16 | 1<<kind }

// Day returns the last day.
func (s Seen) Day() events.Day { return events.Day(s >> 16) }

// Entry is a device. 20 bytes: a look-up finds key and last day in one cache line, mostly.
type Entry struct {
	Print identity.Fingerprint // never changes
	Seen  Seen
}

const (
	chunkBits    = 11
	chunkEntries = 1 << chunkBits // 40 KiB: ten pages
)

type chunk [chunkEntries]Entry

// Dictionary numbers devices in order of first appearance, from 0.
//
// Entries lie in chunks that never move. Slots lie in segments, by the first bits of the hash, that grow by a quarter and then
// split, each at a time of its own: so that no insertion stops for more than a few milliseconds, and slots are three quarters
// full. In all 20 bytes an entry and about 5.3 of slots. The first segment doubles until it splits: 5 to 10 of slots.
type Dictionary struct {
	memory    *holding // of chunks and slots
	chunks    []*chunk
	n         uint32
	directory []*segment // by the first depth bits of the hash; neighbours may share a segment
	depth     uint8
	loose     bool // the last entries are not in the directory yet: see Index
}

// New returns an empty dictionary with room for so many devices.
func New(room int) *Dictionary {
	memory := newHolding()
	return &Dictionary{memory: memory, directory: []*segment{newSegment(memory, room*4/3, 0, uint64(room))}}
}

// Len returns how many devices there are.
func (d *Dictionary) Len() uint32 { return d.n }

// At returns a device by its ordinal, which is below Len.
func (d *Dictionary) At(ordinal uint32) *Entry {
	// Not by an index, which reads the chunk's first byte to see whether there is one: a cache line more.
	return (*Entry)(unsafe.Add(unsafe.Pointer(d.chunks[ordinal>>chunkBits]), uintptr(ordinal%chunkEntries)*unsafe.Sizeof(Entry{})))
}

func (d *Dictionary) segment(h uint64) *segment { return d.directory[h>>(64-d.depth)] }

// Find returns the ordinal of a fingerprint.
func (d *Dictionary) Find(print *identity.Fingerprint) (uint32, bool) {
	h := print.Hash()
	s := d.segment(h)
	tag, slots := s.tag(h), s.slots
	for i := s.home(h); ; {
		slot := slots[i]
		if slot == 0 {
			return 0, false
		}
		if (slot^tag)>>s.width == 0 {
			if ordinal := s.ordinal(slot); d.At(ordinal).Print == *print {
				return ordinal, true
			}
		}
		if i++; i == len(slots) {
			i = 0
		}
	}
}

// Insert numbers a fingerprint that is not in the dictionary. ErrFull.
func (d *Dictionary) Insert(print *identity.Fingerprint) (uint32, error) {
	if d.n >= MaxDevices {
		return 0, ErrFull
	}
	ordinal, h := d.n, print.Hash()
	s := d.segment(h)
	for s.used >= s.limit || !s.fits(ordinal) {
		d.grow(s, h)
		s = d.segment(h)
	}
	if int(ordinal>>chunkBits) == len(d.chunks) {
		d.chunks = append(d.chunks, d.memory.chunk())
	}
	*d.At(ordinal) = Entry{Print: *print}
	s.place(h, ordinal)
	d.n++
	return ordinal, nil
}

// move is what a segment holds while it is moved to others.
type move struct {
	ordinals []uint32
	hashes   []uint64
}

var moves = sync.Pool{New: func() any { return new(move) }}

// grow puts one or two larger segments in the place of s, to which h belongs.
func (d *Dictionary) grow(s *segment, h uint64) {
	defer d.memory.release(s.slots)
	scratch := moves.Get().(*move)
	defer moves.Put(scratch)
	d.collect(s, scratch)
	prefix := h >> (64 - s.depth)
	if s.used < segmentDevices {
		d.enlarge(s, prefix, scratch)
	} else {
		d.split(s, prefix, scratch)
	}
}

// collect fills m with what s holds.
func (d *Dictionary) collect(s *segment, m *move) {
	m.ordinals = slices.Grow(m.ordinals[:0], int(s.used))
	for _, slot := range s.slots {
		if slot != 0 {
			m.ordinals = append(m.ordinals, s.ordinal(slot))
		}
	}
	m.hashes = slices.Grow(m.hashes[:0], len(m.ordinals))
	for _, o := range m.ordinals { // apart from the placing, so that the cache misses overlap
		m.hashes = append(m.hashes, d.At(o).Print.Hash())
	}
}

// enlarge puts a segment with more or wider slots in the place of s, whose hashes begin with prefix.
func (d *Dictionary) enlarge(s *segment, prefix uint64, m *move) {
	slots := len(s.slots)
	switch {
	case s.used < s.limit: // only its slots are too narrow
	case s.depth == 0: // by quarters it would be rebuilt a dozen times on the way to its first split
		slots = min(2*slots, segmentDevices*6/5) // full, it splits
	default:
		slots += slots / 4
	}
	larger := newSegment(d.memory, slots, s.depth, uint64(d.n))
	for i, o := range m.ordinals {
		larger.place(m.hashes[i], o)
	}
	d.put(larger, prefix)
}

// split puts two segments in the place of s, whose hashes begin with prefix.
func (d *Dictionary) split(s *segment, prefix uint64, m *move) {
	if s.depth == d.depth {
		d.double()
	}
	var halves [2]*segment
	ones := 0
	for _, h := range m.hashes {
		ones += int(h << s.depth >> 63)
	}
	for bit, n := range [2]int{len(m.hashes) - ones, ones} {
		half := prefix<<1 | uint64(bit)
		halves[bit] = d.spread(n, s.depth+1, half)
		d.put(halves[bit], half)
	}
	for i, o := range m.ordinals {
		halves[m.hashes[i]<<s.depth>>63].place(m.hashes[i], o)
	}
}

// put makes s the segment of all hashes that begin with prefix, s.depth bits.
func (d *Dictionary) put(s *segment, prefix uint64) {
	share := uint64(1) << (d.depth - s.depth)
	for i := range share {
		d.directory[prefix*share+i] = s
	}
}

func (d *Dictionary) double() {
	twice := make([]*segment, 2*len(d.directory))
	for i := range twice {
		twice[i] = d.directory[i/2]
	}
	d.directory, d.depth = twice, d.depth+1
}
