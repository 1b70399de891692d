package dictionary

import (
	"fmt"
	"math/bits"
	"runtime"
	"sync"

	"headcount/events/identity"
)

// Append numbers a fingerprint without a look whether it is there, and without making it findable: Index does both for all of
// them, many times faster than one by one, where segments grow again and again. ErrFull.
func (d *Dictionary) Append(print *identity.Fingerprint) error {
	if d.n >= MaxDevices {
		return ErrFull
	}
	d.loose = true
	if int(d.n>>chunkBits) == len(d.chunks) {
		d.chunks = append(d.chunks, d.memory.chunk())
	}
	*d.At(d.n) = Entry{Print: *print}
	d.n++
	return nil
}

// indexDevices is how many devices a segment has at most, about, after Index: so that it does not split soon.
const indexDevices = 32_000

// Loose says whether there are devices that are not findable before Index.
func (d *Dictionary) Loose() bool { return d.loose }

// Index makes a directory of all entries. An error names a fingerprint that is there twice.
func (d *Dictionary) Index() error {
	if !d.loose {
		return nil
	}
	last := (*segment)(nil)
	for _, s := range d.directory {
		if s != last {
			d.memory.release(s.slots)
			last = s
		}
	}
	d.depth = uint8(bits.Len32((d.n - 1) / indexDevices))
	counts := make([]int, 1<<d.depth)
	for ordinal := range d.n {
		counts[d.At(ordinal).Print.Hash()>>(64-d.depth)]++
	}
	d.directory = make([]*segment, len(counts))
	for prefix, n := range counts {
		d.directory[prefix] = d.spread(n, d.depth, uint64(prefix))
	}
	// Each worker places what belongs to its share of the segments.
	workers := min(runtime.GOMAXPROCS(0), 4, len(counts))
	errs := make([]error, workers)
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() { errs[i] = d.place(len(counts)*i/workers, len(counts)*(i+1)/workers) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	d.loose = false
	return nil
}

// place puts the entries that belong to segments from (inclusive) to (exclusive) into their slots.
func (d *Dictionary) place(from, to int) error {
	var ordinals [64]uint32
	var sink uint32
	for at := uint32(0); at < d.n; {
		n := 0
		for ; n < len(ordinals) && at < d.n; at++ {
			h := d.At(at).Print.Hash()
			if prefix := int(h >> (64 - d.depth)); from <= prefix && prefix < to {
				s := d.directory[prefix]
				sink += s.slots[s.home(h)] // read ahead, so that the cache misses overlap
				ordinals[n] = at
				n++
			}
		}
		for _, ordinal := range ordinals[:n] {
			print := &d.At(ordinal).Print
			if other, there := d.Find(print); there {
				return fmt.Errorf("fingerprint %s has ordinals %d and %d", print, min(ordinal, other), max(ordinal, other))
			}
			h := print.Hash()
			d.segment(h).place(h, ordinal)
		}
	}
	runtime.KeepAlive(sink)
	return nil
}

// spread returns an empty segment for n devices whose hashes begin with prefix. How full it is depends on its place: so that
// not all of them grow at the same time.
func (d *Dictionary) spread(n int, depth uint8, prefix uint64) *segment {
	spare := int(bits.Reverse64(prefix) >> 54) // 0–1023
	return newSegment(d.memory, n*(1200+300*spare/1024)/1000, depth, uint64(d.n))
}
