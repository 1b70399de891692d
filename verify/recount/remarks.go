package recount

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"headcount/verify/report"
)

// Remark is what records of an app a partition has not billed as they were meant, between two seals.
type Remark struct {
	App   string // empty: of no app
	Cause string
	Name  string // a type, or a month
}

// Causes that are counted again. Others are rejected, of which the sum is, and skewed, which belong to the windows.
const (
	ofUnknown  = "unknown"
	ofExpired  = "expired"
	ofBooks    = "before_books"
	ofFinished = "finished" // counted, and finished by the partition's first seal
	ofUnopened = "unopened" // counted, and older than the month with which the books open
	ofRejected = "rejected"
	ofSkewed   = "skewed"
)

const (
	typesNamed    = 100
	longestType   = 256
	otherTypes    = "other"
	remarkedApart = 50_000 // of apps, by cause
)

// remarks are those of a partition since a seal.
type remarks struct {
	all   map[Remark]uint64
	apart map[string]int // by cause, those of apps
	types map[string]bool
}

func newRemarks() *remarks {
	return &remarks{all: map[Remark]uint64{}, apart: map[string]int{}, types: map[string]bool{}}
}

func (r *remarks) add(app, cause, name string, n uint64) {
	x := Remark{app, cause, name}
	if _, known := r.all[x]; !known && app != "" {
		if r.apart[cause] >= remarkedApart {
			x.App = ""
		} else {
			r.apart[cause]++
		}
	}
	r.all[x] += n
}

func (r *remarks) addUnknown(app, kind string) {
	name := kind
	if !r.types[kind] {
		if len(r.types) >= typesNamed || len(kind) > longestType || kind == otherTypes {
			name = otherTypes
		} else {
			r.types[kind] = true
		}
	}
	r.add(app, ofUnknown, name, 1)
}

// dropped counts what was counted in the windows of months that a seal ends, and is billed by nobody.
func (p *partition) dropped(before Month, cause string) {
	for m, in := range p.open {
		if m >= before {
			continue
		}
		for app, w := range in {
			if w.Events > 0 {
				p.remarks.add(app, cause, m.String(), w.Events)
			}
		}
	}
}

// remarkJSON is a remark of a sealed index: texts have "=" before them, or "x" where they are hex digits.
type remarkJSON struct {
	App     string `json:"app"`
	Cause   string `json:"cause"`
	Name    string `json:"name"`
	Records uint64 `json:"records"`
}

// remarked returns what an index remarks, and whether that is all of its stretch. Releases before there were remarks made none.
func (x *index) remarked() (all map[Remark]uint64, whole bool, err error) {
	all = map[Remark]uint64{}
	for _, y := range x.Remarks {
		app, err1 := plainText(y.App)
		name, err2 := plainText(y.Name)
		if err1 != nil || err2 != nil {
			return nil, false, fmt.Errorf("remark %+v: %w", y, errForm)
		}
		all[Remark{app, y.Cause, name}] = y.Records
	}
	return all, x.hasRemarks && x.RemarkedFrom == 0, nil
}

// compareRemarks compares an index's remarks with those of the log, and returns by which the month is judged: where a part of the stretch was
// counted by a release that made none, those that the index has.
func compareRemarks(f *SealedFile, p *atSeal, r *report.Report) map[Remark]uint64 {
	has, whole, err := f.remarked()
	if err != nil {
		r.Wrong("sealed index", f.file, "remarks that can be read", err.Error())
		return p.remarks
	}
	if !whole {
		if !maps.Equal(has, p.remarks) {
			r.Remark("%s: a part of the stretch was counted before remarks were made: they are taken as they are", f.file)
		}
		return has
	}
	all := map[Remark]bool{}
	rejected, want := uint64(0), p.nameless.Rejected
	for _, s := range p.stretches {
		want += s.Rejected
	}
	for x := range p.remarks {
		all[x] = true
	}
	for x, n := range has {
		switch x.Cause {
		case ofRejected:
			rejected += n
		case ofSkewed:
		default:
			all[x] = true
		}
	}
	order := slices.SortedFunc(maps.Keys(all), func(a, b Remark) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	for _, x := range order {
		r.Same("sealed index", has[x], p.remarks[x], "%s: remark of app %q, %s, %q", f.file, x.App, x.Cause, x.Name)
	}
	r.Same("sealed index", rejected, want, "%s: records rejected, by reason", f.file)
	return p.remarks
}

// tallyRemarks adds up what partitions remark, by app; of no app in Nameless.
func (u *union) tallyRemarks(p *atSeal) {
	all := p.remarks
	if f := u.files[p.id]; f != nil {
		all = compareRemarks(f.SealedFile, p, u.r)
	}
	for x, n := range all {
		to := &u.n.Unbilled
		if x.App != "" {
			a := u.appOf(x.App)
			if x.Cause == ofUnknown || x.Cause == ofFinished || x.Cause == ofUnopened {
				a.Listed = true
			}
			to = &a.Unbilled
		}
		to.add(x, n)
	}
}

// Unbilled are an app's records, over all partitions, that were not counted in the month, as remarks tell of them.
type Unbilled struct {
	Unknown  map[string]uint64 // by type
	Finished uint64            // of finished months, beyond those of Stretch
	Unopened uint64            // of months before the books, beyond those of Stretch
	Before   map[Month]uint64  // by month, of those before the books
}

func (u *Unbilled) add(x Remark, n uint64) {
	switch x.Cause {
	case ofUnknown:
		if u.Unknown == nil {
			u.Unknown = map[string]uint64{}
		}
		u.Unknown[x.Name] += n
	case ofFinished:
		u.Finished += n
	case ofUnopened:
		u.Unopened += n
	}
	if m, ok := ParseMonth(x.Name); ok && (x.Cause == ofBooks || x.Cause == ofUnopened) {
		if u.Before == nil {
			u.Before = map[Month]uint64{}
		}
		u.Before[m] += n
	}
}

// Unknowns is how many events were of unknown types.
func (u *Unbilled) Unknowns() (n uint64) {
	for _, records := range u.Unknown {
		n += records
	}
	return n
}

// FarOff is how many events were of months before the books that lie as many months or more before another.
func (u *Unbilled) FarOff(month Month, months int) (n uint64) {
	for m, records := range u.Before {
		if int(month-m) >= months {
			n += records
		}
	}
	return n
}

// plainText reads a text of an index.
func plainText(s string) (string, error) {
	if text, ok := strings.CutPrefix(s, "="); ok {
		return text, nil
	}
	digits, ok := strings.CutPrefix(s, "x")
	raw, err := hex.DecodeString(digits)
	if !ok || err != nil {
		return "", errForm
	}
	return string(raw), nil
}
