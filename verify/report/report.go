// Package report is what a verification comes to: what was checked, and every value that is not what the recount has.
package report

import (
	"fmt"
	"slices"
)

// Report is what a verification comes to.
type Report struct {
	Month       string       `json:"month"`
	OK          bool         `json:"ok"`
	Checks      []*Check     `json:"checks"`
	Differences []Difference `json:"differences"`
	More        int          `json:"more_differences"` // that are counted but not listed
	Notes       []string     `json:"notes"`            // what was not checked, and what is worth a look
	LogCut      bool         `json:"-"`                // the log ends before a seal of the month
}

// Check is one thing that was checked, over all its places.
type Check struct {
	What        string `json:"what"`
	Checked     int64  `json:"checked"` // values compared
	Differences int64  `json:"differences"`
}

// Difference is one value that is not what the recount has.
type Difference struct {
	What  string `json:"what"`
	Place string `json:"place"` // file, partition, app, day, row
	Want  string `json:"want"`  // by the recount
	Got   string `json:"got"`   // as it is stored
}

func (d Difference) String() string {
	return fmt.Sprintf("%s: %s: it says %s, the recount has %s", d.What, d.Place, d.Got, d.Want)
}

// listed is how many differences of one check are listed; all are counted.
const listed = 20

func (r *Report) check(what string) *Check {
	i := slices.IndexFunc(r.Checks, func(c *Check) bool { return c.What == what })
	if i < 0 {
		i = len(r.Checks)
		r.Checks = append(r.Checks, &Check{What: what})
	}
	return r.Checks[i]
}

// New returns the report of a month of which nothing was checked yet.
func New(month string) *Report {
	return &Report{Month: month, Checks: []*Check{}, Differences: []Difference{}, Notes: []string{}}
}

// Count says that n values of a check agree.
func (r *Report) Count(what string, n int64) { r.check(what).Checked += n }

// Same compares a stored value with the recounted one.
func (r *Report) Same(what string, got, want any, place string, args ...any) bool {
	c := r.check(what)
	c.Checked++
	if got == want {
		return true
	}
	r.Add(Difference{what, fmt.Sprintf(place, args...), fmt.Sprint(want), fmt.Sprint(got)})
	return false
}

// Wrong records a difference that is not one of two values.
func (r *Report) Wrong(what, place, want, got string) {
	r.Count(what, 1)
	r.Add(Difference{what, place, want, got})
}

// Add adds a difference of a value that is counted already.
func (r *Report) Add(d Difference) {
	c := r.check(d.What)
	if c.Differences++; c.Differences > listed {
		r.More++
		return
	}
	r.Differences = append(r.Differences, d)
}

// Remark adds a note, once.
func (r *Report) Remark(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(r.Notes, text) {
		r.Notes = append(r.Notes, text)
	}
}

// Merge adds what another report of the month says.
func (r *Report) Merge(o *Report) {
	unlisted := map[string]int64{}
	for _, c := range o.Checks {
		r.check(c.What).Checked += c.Checked
		unlisted[c.What] = c.Differences
	}
	for _, d := range o.Differences {
		unlisted[d.What]--
		r.Add(d)
	}
	for what, n := range unlisted {
		r.check(what).Differences += n
		r.More += int(n)
	}
	for _, note := range o.Notes {
		r.Remark("%s", note)
	}
	r.LogCut = r.LogCut || o.LogCut
}

// Unreadable is an error that says which file cannot be read, and what it should be. Without it a recount cannot go on.
type Unreadable struct {
	What, File, Want string
	Err              error
}

func (u *Unreadable) Error() string { return fmt.Sprintf("%s: %v", u.File, u.Err) }

// Unreadable records what cannot be read.
func (r *Report) Unreadable(u *Unreadable) { r.Wrong(u.What, u.File, u.Want, u.Err.Error()) }
