package dictionary

import (
	"math/bits"
	"runtime"
	"sync"
	"unsafe"
)

// Dictionaries lie outside the collector's heap, in regions that all shards share: the collector lets garbage grow to what
// lives, which would double them, and it does not ask for huge pages, without which each look-up misses the TLB as well.
// Pieces of a region are whole pages.
const (
	pageBytes   = 4 << 10
	regionBytes = 32 << 20
	regionPages = regionBytes / pageBytes
)

// region is memory whose pages are handed out in runs.
type region struct {
	memory []byte
	used   [regionPages / 64]uint64 // a bit a page
	free   int                      // pages
	most   int                      // no longer run of pages is free
}

var regions struct {
	sync.Mutex
	all []*region
}

// piece is memory outside the heap.
type piece struct {
	in          *region
	page, pages int
}

func (p piece) at() unsafe.Pointer { return unsafe.Pointer(&p.in.memory[p.page*pageBytes]) }

// allocate returns memory of at least so many bytes, which hold anything.
func allocate(bytes int) piece {
	n := (bytes + pageBytes - 1) / pageBytes
	regions.Lock()
	defer regions.Unlock()
	for _, r := range regions.all {
		if r.most >= n {
			if page, ok := r.take(n); ok {
				return piece{r, page, n}
			}
		}
	}
	r := &region{memory: mapRegion(), free: regionPages, most: regionPages}
	regions.all = append(regions.all, r)
	page, ok := r.take(n)
	if !ok {
		panic("dictionary: a piece of memory is larger than a region")
	}
	return piece{r, page, n}
}

// take finds the first n free pages that follow each other.
func (r *region) take(n int) (page int, ok bool) {
	for at := 0; at < regionPages; {
		word := r.used[at/64] >> (at % 64)
		if taken := bits.TrailingZeros64(^word); taken > 0 {
			at += taken
			page = at
			continue
		}
		at += min(bits.TrailingZeros64(word), 64-at%64)
		if at-page >= n {
			r.turn(page, n)
			r.free -= n
			return page, true
		}
	}
	r.most = n - 1
	return 0, false
}

// turn marks free pages as used, and used ones as free.
func (r *region) turn(page, n int) {
	for end := page + n; page < end; {
		step := min(64-page%64, end-page)
		r.used[page/64] ^= ^uint64(0) >> (64 - step) << (page % 64)
		page += step
	}
}

// release gives memory back; nobody may use it any more. What a region of which nothing is used takes goes back to the system,
// but not its addresses: the collector must never find a forgotten pointer to them in its own heap.
func (p piece) release() {
	regions.Lock()
	defer regions.Unlock()
	r := p.in
	r.turn(p.page, p.pages)
	r.free += p.pages
	r.most = regionPages
	if r.free == regionPages {
		giveBack(r.memory)
	}
}

// BytesInUse is how many bytes dictionaries have of memory that the collector does not count: what runtime.MemStats lacks of a
// process that holds some.
func BytesInUse() (bytes uint64) {
	regions.Lock()
	defer regions.Unlock()
	for _, r := range regions.all {
		bytes += uint64(regionPages-r.free) * pageBytes
	}
	return bytes
}

// holding is the memory of a dictionary. It is released when the holding is garbage: whoever uses the memory keeps it.
type holding struct{ pieces map[unsafe.Pointer]piece }

func newHolding() *holding {
	h := &holding{pieces: map[unsafe.Pointer]piece{}}
	runtime.AddCleanup(h, func(pieces map[unsafe.Pointer]piece) {
		for _, p := range pieces {
			p.release()
		}
	}, h.pieces)
	return h
}

// chunk returns a chunk that holds anything.
func (h *holding) chunk() *chunk {
	p := allocate(int(unsafe.Sizeof(chunk{})))
	h.pieces[p.at()] = p
	return (*chunk)(p.at())
}

// heapSlots is how many slots lie on the heap: fewer than fill some pages.
const heapSlots = 4096

// slots returns so many zeros, from the beginning of a cache line on.
func (h *holding) slots(n int) []uint32 {
	if n <= heapSlots {
		slots := make([]uint32, n+lineSlots-1)
		skip := -uintptr(unsafe.Pointer(&slots[0])) / 4 % lineSlots
		return slots[skip:][:n:n]
	}
	p := allocate(4 * n)
	h.pieces[p.at()] = p
	slots := unsafe.Slice((*uint32)(p.at()), n)
	clear(slots)
	return slots
}

// release lets go of slots that are used no more.
func (h *holding) release(slots []uint32) {
	at := unsafe.Pointer(&slots[0])
	if p, ok := h.pieces[at]; ok {
		delete(h.pieces, at)
		p.release()
	}
}
