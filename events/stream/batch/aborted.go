package batch

import (
	"cmp"
	"encoding/binary"
	"slices"

	"headcount/events"
)

// Aborted is a transaction that was given up: what the producer wrote from First up to its abort marker does not count.
type Aborted struct {
	Producer int64         // its id
	First    events.Offset // offset
}

// Abortions follows the aborted transactions of one fetch answer through its batches, in order. The broker lists those that
// overlap the answer, so each answer starts afresh. The zero value knows of none.
type Abortions struct {
	ahead []Aborted // sorted by First
	open  map[int64]struct{}
}

// Start begins with an answer, whose list it sorts and keeps.
func (a *Abortions) Start(list []Aborted) {
	slices.SortFunc(list, func(x, y Aborted) int { return cmp.Compare(x.First, y.First) })
	a.ahead = list
	clear(a.open)
}

// Skips says whether the batch is to be passed over: it belongs to an aborted transaction, or is a control batch. It must be asked of
// every batch in turn. content is that of a control batch, whose only record's key holds a version and then the type: 0 aborts, 1
// commits.
func (a *Abortions) Skips(h *Header, content []byte) bool {
	for len(a.ahead) > 0 && a.ahead[0].First < h.Next() {
		if a.open == nil {
			a.open = map[int64]struct{}{}
		}
		a.open[a.ahead[0].Producer] = struct{}{}
		a.ahead = a.ahead[1:]
	}
	if h.Control() {
		if isAbort(content) {
			delete(a.open, h.Producer)
		}
		return true
	}
	if h.Attributes&transactionalBit == 0 {
		return false
	}
	_, open := a.open[h.Producer]
	return open
}

// isAbort says whether a control batch's record is the mark of an aborted transaction.
func isAbort(b []byte) bool {
	e, err := readExtent(b, 0)
	return err == nil && e.key >= 0 && e.keyEnd-e.key >= 4 && binary.BigEndian.Uint16(b[e.key+2:]) == 0
}
