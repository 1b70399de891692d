package stream

import (
	"math/bits"
	"unsafe"

	"headcount/events"
	"headcount/events/stream/batch"
)

// memory is what a Reader keeps to be used again, guarded by its mu: buffers for fetched data, in powers of two, and workspaces. In
// all it keeps no more than Config.MaxBytes.
type memory struct {
	free      map[int][][]byte // by size class
	spaces    []*workspace     // the last given back is the next lent: it is in the processor's cache
	freeBytes int
}

// workspace is what reading a batch takes. A partition has one while a batch of its is out, however many partitions there are.
type workspace struct {
	records []events.Record
	unpack  batch.Unpacker
}

func (w *workspace) size() int {
	return cap(w.records)*int(unsafe.Sizeof(events.Record{})) + w.unpack.Size()
}

func (r *Reader) lend() *workspace {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.spaces) - 1
	if n < 0 {
		return &workspace{unpack: batch.Unpacker{Limit: min(r.log.config.MaxBatchBytes, batch.MostUnpacked)}}
	}
	w := r.spaces[n]
	r.spaces[n], r.spaces = nil, r.spaces[:n]
	r.freeBytes -= w.size()
	return w
}

func (r *Reader) giveBack(w *workspace) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if size := w.size(); r.freeBytes+size <= r.log.config.MaxBytes {
		r.spaces = append(r.spaces, w)
		r.freeBytes += size
	}
}

// take returns a buffer of n bytes.
func (r *Reader) take(n int) []byte {
	class := bits.Len(uint(max(n, 4096) - 1))
	r.mu.Lock()
	defer r.mu.Unlock()
	if free := r.free[class]; len(free) > 0 {
		b := free[len(free)-1]
		r.free[class] = free[:len(free)-1]
		r.freeBytes -= cap(b)
		return b[:n]
	}
	return make([]byte, n, 1<<class)
}

func (r *Reader) recycle(b []byte) {
	r.mu.Lock()
	r.recycleLocked(b)
	r.mu.Unlock()
}

func (r *Reader) recycleLocked(b []byte) {
	if cap(b) < 4096 || r.freeBytes+cap(b) > r.log.config.MaxBytes {
		return
	}
	class := bits.Len(uint(cap(b) - 1))
	if cap(b) != 1<<class {
		return
	}
	r.free[class] = append(r.free[class], b)
	r.freeBytes += cap(b)
}
