package dead

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"headcount/events"
	"headcount/events/decode"
)

// Filter chooses letters; what is empty chooses all.
type Filter struct {
	Reason string    // a part of the reason
	App    string    // of the record, where one can be read
	Since  time.Time // of the record
	Until  time.Time // before it
}

// Apps says whose records letters are.
type Apps struct{ Decoder *decode.Decoder }

// Of returns the app that a letter's record names, as far as one can be read; empty: none.
func (a Apps) Of(l *Letter) string {
	e, err := l.read(a.Decoder, l.Time.UnixMilli())
	if err != nil {
		return ""
	}
	return string(e.App)
}

// Chooses says whether a letter about an app is chosen.
func (f *Filter) Chooses(l *Letter, app string) bool {
	return strings.Contains(string(l.Reason), f.Reason) && (f.App == "" || f.App == app) &&
		(f.Since.IsZero() || !l.Time.Before(f.Since)) && (f.Until.IsZero() || l.Time.Before(f.Until))
}

// Heap are the letters of one reason and app.
type Heap struct {
	Reason    events.Reason    `json:"reason"`
	App       string           `json:"app"` // empty: none could be read
	Records   int64            `json:"records"`
	First     time.Time        `json:"first"` // of the records' times
	Last      time.Time        `json:"last"`
	Partition events.Partition `json:"partition"` // where the newest is
	Offset    events.Offset    `json:"offset"`
}

// Summary sums letters up. The zero value is ready.
type Summary struct{ heaps map[[2]string]*Heap }

// Add counts a letter about an app.
func (s *Summary) Add(l *Letter, app string) {
	if s.heaps == nil {
		s.heaps = map[[2]string]*Heap{}
	}
	id := [2]string{string(l.Reason), app}
	h := s.heaps[id]
	if h == nil {
		h = &Heap{Reason: l.Reason, App: app, First: l.Time}
		s.heaps[id] = h
	}
	h.Records += l.Records()
	if l.Time.Before(h.First) {
		h.First = l.Time
	}
	if !l.Time.Before(h.Last) {
		h.Last, h.Partition, h.Offset = l.Time, l.Partition, l.Offset
	}
}

// Heaps are all, the largest first.
func (s *Summary) Heaps() []*Heap {
	return slices.SortedFunc(maps.Values(s.heaps), func(a, b *Heap) int {
		return cmp.Or(cmp.Compare(b.Records, a.Records), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.App, b.App))
	})
}
