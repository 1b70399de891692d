package stream

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// aborted is a transaction that was given up: what the producer wrote from first up to its abort marker does not count.
type aborted struct {
	producer int64
	first    int64
}

// abortions follows the aborted transactions of one fetch answer through its batches, in order. The broker lists those that
// overlap the answer, so each answer starts afresh.
type abortions struct {
	ahead []aborted // sorted by first
	open  map[int64]struct{}
}

func (a *abortions) start(list []aborted) {
	slices.SortFunc(list, func(x, y aborted) int { return cmp.Compare(x.first, y.first) })
	a.ahead = list
	clear(a.open)
}

// skips says whether the batch belongs to an aborted transaction; it must be asked of every batch in turn. content is that of a
// control batch, whose only record's key holds a version and then the type: 0 aborts, 1 commits.
func (a *abortions) skips(h *header, content []byte) bool {
	for len(a.ahead) > 0 && a.ahead[0].first < h.next() {
		if a.open == nil {
			a.open = map[int64]struct{}{}
		}
		a.open[a.ahead[0].producer] = struct{}{}
		a.ahead = a.ahead[1:]
	}
	if h.control() {
		if isAbort(content) {
			delete(a.open, h.producer)
		}
		return true
	}
	if h.attributes&transactionalBit == 0 {
		return false
	}
	_, open := a.open[h.producer]
	return open
}

// isAbort says whether a control batch's record is the mark of an aborted transaction.
func isAbort(b []byte) bool {
	e, err := readExtent(b, 0)
	return err == nil && e.key >= 0 && e.keyEnd-e.key >= 4 && binary.BigEndian.Uint16(b[e.key+2:]) == 0
}
