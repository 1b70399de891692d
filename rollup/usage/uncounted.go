package usage

import (
	"fmt"
	"slices"
	"strings"

	"headcount/counter"
	"headcount/events"
)

// Uncounted tells of records that are not in the facts, or not as they were meant, by why. Lists are sorted; what there is none of is left
// out. They are counted where they lie in the log: after the seal of the month before, up to that of the month.
type Uncounted struct {
	Unknown       []OfType   `json:"unknown,omitempty"`         // events of types that are not counted
	RejectedFor   []ForWhy   `json:"rejected_for,omitempty"`    // dead letters
	SkewedFor     []ForClock `json:"skewed_for,omitempty"`      // events that count at their record's time
	ExpiredOf     []OfMonth  `json:"expired_of,omitempty"`      // events of finished months
	BeforeBooksOf []OfMonth  `json:"before_books_of,omitempty"` // events of months before the books
}

// OfType counts events of an unknown type; "other" stands for those beyond the first 100 of a partition.
type OfType struct {
	Type   string `json:"type"`
	Events uint64 `json:"events"`
}

// ForWhy counts dead letters of a reason.
type ForWhy struct {
	Reason  string `json:"reason"`
	Records uint64 `json:"records"`
}

// ForClock counts events of a kind of wrong clock.
type ForClock struct {
	Clock  string `json:"clock"`
	Events uint64 `json:"events"`
}

// OfMonth counts events of a month.
type OfMonth struct {
	Month  string `json:"month"`
	Events uint64 `json:"events"`
}

// Unknowns is how many events were of unknown types.
func (u *Uncounted) Unknowns() (n uint64) {
	for _, x := range u.Unknown {
		n += x.Events
	}
	return n
}

// FarMonths is how many months before the one that is closed an event lies that was dated by a wrong clock rather than by a late start.
const FarMonths = 12

// far is how many events lie before the books, so far before a month.
func (u *Uncounted) far(month events.Month) (n uint64) {
	for _, x := range u.BeforeBooksOf {
		if m, err := events.ParseMonth(x.Month); err == nil && month-m >= FarMonths {
			n += x.Events
		}
	}
	return n
}

// remarked are the remarks of partitions, added up.
type remarked struct {
	Uncounted
	finished, unopened uint64 // of those, events that the partitions' stretches do not count
}

// uncounted says whether the remarks tell of what facts and counters do not. A wrong clock alone is of an event that counts, perhaps in
// another month.
func (r *remarked) uncounted() bool { return len(r.Unknown) > 0 || r.finished > 0 || r.unopened > 0 }

// addUp adds up remarks of partitions, by app.
func addUp(all []counter.Remark) map[string]*remarked {
	all = slices.Clone(all)
	slices.SortFunc(all, counter.CompareRemarks)
	of := map[string]*remarked{}
	for _, r := range all {
		a := of[r.App]
		if a == nil {
			a = &remarked{}
			of[r.App] = a
		}
		n := r.Records
		switch r.Cause {
		case counter.Rejected:
			a.RejectedFor = plusOne(a.RejectedFor, ForWhy{r.Name, n}, func(x *ForWhy) (*string, *uint64) { return &x.Reason, &x.Records })
		case counter.Unknown:
			a.Unknown = plusOne(a.Unknown, OfType{r.Name, n}, func(x *OfType) (*string, *uint64) { return &x.Type, &x.Events })
		case counter.Skewed:
			a.SkewedFor = plusOne(a.SkewedFor, ForClock{r.Name, n}, func(x *ForClock) (*string, *uint64) { return &x.Clock, &x.Events })
		case counter.Expired, counter.Finished:
			a.ExpiredOf = plusOne(a.ExpiredOf, OfMonth{r.Name, n}, ofMonth)
		case counter.BeforeBooks, counter.Unopened:
			a.BeforeBooksOf = plusOne(a.BeforeBooksOf, OfMonth{r.Name, n}, ofMonth)
		}
		switch r.Cause {
		case counter.Finished:
			a.finished += n
		case counter.Unopened:
			a.unopened += n
		}
	}
	return of
}

func ofMonth(x *OfMonth) (*string, *uint64) { return &x.Month, &x.Events }

// plusOne adds to a sorted list.
func plusOne[T any](list []T, one T, parts func(*T) (name *string, n *uint64)) []T {
	name, n := parts(&one)
	i, found := slices.BinarySearchFunc(list, *name, func(x T, name string) int {
		has, _ := parts(&x)
		return strings.Compare(*has, name)
	})
	if !found {
		return slices.Insert(list, i, one)
	}
	_, has := parts(&list[i])
	*has += *n
	return list
}

// most names the causes that weigh most, as "900 no subject, 49 placeholder id".
func most[T any](list []T, parts func(*T) (name *string, n *uint64)) string {
	const shown = 3
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b T) int {
		_, x := parts(&a)
		_, y := parts(&b)
		switch {
		case *x > *y:
			return -1
		case *x < *y:
			return 1
		}
		return 0
	})
	var all []string
	for i := range list[:min(len(list), shown)] {
		name, n := parts(&list[i])
		all = append(all, fmt.Sprintf("%d %s", *n, *name))
	}
	if more := len(list) - shown; more > 0 {
		all = append(all, fmt.Sprintf("%d more causes", more))
	}
	return strings.Join(all, ", ")
}

// reasons are the reasons of dead letters that weigh most, after a colon; empty: none is known.
func (u *Uncounted) reasons() string {
	if len(u.RejectedFor) == 0 {
		return ""
	}
	return ": " + most(u.RejectedFor, func(x *ForWhy) (*string, *uint64) { return &x.Reason, &x.Records })
}
