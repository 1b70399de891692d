package dictionary

import (
	"runtime"

	"headcount/events/identity"
)

// Tail is the fingerprints from an ordinal on, as they were when it was taken. It stays readable, by another goroutine too, while
// the dictionary grows: entries never move.
type Tail struct {
	memory *holding // of the chunks; nil: no fingerprints
	chunks []*chunk // from that of the first fingerprint on
	skip   uint32   // entries of the first chunk that come before it
	n      uint32
}

// Tail returns the fingerprints from an ordinal on, which is below Len.
func (d *Dictionary) Tail(from uint32) Tail {
	return Tail{d.memory, d.chunks[from>>chunkBits:], from % chunkEntries, d.n - from}
}

// Len returns how many fingerprints there are.
func (t *Tail) Len() uint32 { return t.n }

// Copy appends fingerprints to prints, from the i-th on, until there are as many as most or there are no more.
func (t *Tail) Copy(prints []identity.Fingerprint, i uint32, most int) []identity.Fingerprint {
	for at := t.skip + i; at < t.skip+t.n && len(prints) < most; at++ {
		prints = append(prints, t.chunks[at>>chunkBits][at%chunkEntries].Print)
	}
	runtime.KeepAlive(t.memory)
	return prints
}

// Entries returns entries that lie one after the other, from an ordinal below Len on: up to the next multiple of
// 2048, or the last.
func (d *Dictionary) Entries(from uint32) []Entry {
	end := min(from-from%chunkEntries+chunkEntries, d.n)
	return d.chunks[from>>chunkBits][from%chunkEntries : (end-1)%chunkEntries+1]
}
