package counter

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"headcount/events"
)

// Cause says what became of the records of a Remark.
type Cause uint8

// Causes. What a remark names is, of each, what is in brackets.
const (
	Rejected    Cause = iota // dead letters (the reason; of a month too far off, the year too)
	Unknown                  // of a type that is not counted (the type, or OtherTypes)
	Skewed                   // counted at their record's time, for a wrong device clock (which)
	Expired                  // of a finished month (the month)
	BeforeBooks              // of a month before the books (the month)
	Finished                 // counted on time, in a month that was finished when this partition was first sealed (the month)
	Unopened                 // counted on time, in a month before that with which the books were opened (the month)
	causes
)

var causeNames = [causes]string{"rejected", "unknown", "skewed", "expired", "before_books", "finished", "unopened"}

func (c Cause) String() string { return causeNames[c] }

// AppendText and UnmarshalText have a cause by its name.
func (c Cause) AppendText(b []byte) ([]byte, error) {
	if c >= causes {
		return nil, fmt.Errorf("cause %d: there is none", c)
	}
	return append(b, causeNames[c]...), nil
}

// UnmarshalText is the reverse of AppendText.
func (c *Cause) UnmarshalText(b []byte) error {
	i := slices.Index(causeNames[:], string(b))
	if i < 0 {
		return fmt.Errorf("cause %.40q: there is none", b)
	}
	*c = Cause(i)
	return nil
}

// Remark counts records of an app since a partition's last seal that were not billed as they were meant, by why. It lies beside Stretch:
// what holds a close is counted there, what it consisted of here.
type Remark struct {
	App     string // empty: none could be read, or too many were
	Cause   Cause
	Name    string
	Records uint64
}

const (
	// MostTypes is how many unknown types a partition names from seal to seal, the first that come. The rest is OtherTypes.
	MostTypes  = 100
	OtherTypes = "other"
	// MostTypeBytes is how long the name of a type may be; a longer one is among OtherTypes.
	MostTypeBytes = 256
	// MostRemarked is how many remarks of apps a partition has of each cause. What would be another counts as of no app.
	MostRemarked = 50_000
)

// remarks are those of a stretch, while it is counted.
type remarks struct {
	byApp map[string]*[causes]map[string]uint64 // by name
	named [causes]int                           // of apps
	types map[string]bool                       // that are named
}

func (r *remarks) add(app []byte, cause Cause, name string, n uint64) {
	of := r.byApp[string(app)]
	if of != nil {
		if m := of[cause]; m != nil {
			if _, known := m[name]; known {
				m[name] += n
				return
			}
		}
	}
	if len(app) > 0 && r.named[cause] >= MostRemarked {
		r.add(nil, cause, name, n)
		return
	}
	if of == nil {
		if r.byApp == nil {
			r.byApp = map[string]*[causes]map[string]uint64{}
		}
		of = &[causes]map[string]uint64{}
		r.byApp[string(app)] = of
	}
	if of[cause] == nil {
		of[cause] = map[string]uint64{}
	}
	of[cause][name] = n
	if len(app) > 0 {
		r.named[cause]++
	}
}

// typeName is what an unknown type is counted as.
func (r *remarks) typeName(t []byte) string {
	if r.types[string(t)] {
		return string(t)
	}
	if len(r.types) >= MostTypes || len(t) > MostTypeBytes || string(t) == OtherTypes {
		return OtherTypes
	}
	if r.types == nil {
		r.types = map[string]bool{}
	}
	r.types[string(t)] = true
	return string(t)
}

// list returns all, sorted by app, cause and name.
func (r *remarks) list() []Remark {
	var all []Remark
	for _, app := range slices.Sorted(maps.Keys(r.byApp)) {
		for cause, m := range r.byApp[app] {
			for _, name := range slices.Sorted(maps.Keys(m)) {
				all = append(all, Remark{app, Cause(cause), name, m[name]})
			}
		}
	}
	return all
}

// newRemarks is the reverse of list.
func newRemarks(all []Remark) *remarks {
	r := &remarks{}
	for _, x := range all {
		r.add([]byte(x.App), x.Cause, x.Name, x.Records)
		if x.Cause == Unknown && x.Name != OtherTypes {
			r.typeName([]byte(x.Name))
		}
	}
	return r
}

// CompareRemarks orders remarks by app, cause and name.
func CompareRemarks(a, b Remark) int {
	return cmp.Or(cmp.Compare(a.App, b.App), cmp.Compare(a.Cause, b.Cause), cmp.Compare(a.Name, b.Name))
}

// remark counts n records of an app.
func (s *Shard) remark(app []byte, cause Cause, name string, n uint64) {
	if s.remarks == nil {
		s.remarks = newRemarks(s.state.Remarks)
	}
	s.remarks.add(app, cause, name, n)
}

// remarkType counts an event of an unknown type.
func (s *Shard) remarkType(e *events.Event) {
	if s.remarks == nil {
		s.remarks = newRemarks(s.state.Remarks)
	}
	s.remarks.add(e.App, Unknown, s.remarks.typeName(e.Type), 1)
}

// remarked returns the remarks of the stretch so far.
func (s *Shard) remarked() []Remark {
	if s.remarks == nil {
		return s.state.Remarks
	}
	return s.remarks.list()
}

// remarkDropped counts the events of months that end with a seal and were never to be billed: the books open later, or they were finished
// before the partition's first seal. Until then nothing told them from those of open months.
func (s *Shard) remarkDropped(until events.Month, cause Cause) {
	for m, in := range s.open {
		if m > until {
			continue
		}
		for app, w := range in.windows {
			if w.counters.Events > 0 {
				s.remark([]byte(app), cause, m.String(), w.counters.Events)
			}
		}
	}
}
