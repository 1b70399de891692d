// Package usage makes a month's numbers out of the facts of its partitions: the document that is printed and that rating reads.
//
//	document.go         the document, and what rating takes of it
//	gather.go judge.go  facts united into it; the two witnesses held against each other
//	quantity.go         what reports come to, and what amendments say of them
//	uncounted.go        what of the log is not in the facts, by why
//	review.go           what was not billed, or wants a look before it is
//	alarm.go losses.go  why invoices are held: what counts ill, what of the log was lost
//	limits.go           past what they are
//	others.go           apps that nobody is billed for, where there are very many
//	biller.go           who is billed for an app
package usage

import (
	"encoding/json"
	"math"

	"headcount/events"
	"headcount/rating"
)

// Document is a month's usage, as printed. Arrays are sorted by partition, app, account, day.
type Document struct {
	Month       events.Month `json:"month"`
	TimeZone    string       `json:"time_zone"`
	Topic       string       `json:"topic"`
	Provisional bool         `json:"provisional,omitempty"`
	Sealed      []Sealed     `json:"sealed,omitempty"`
	Partitions  []Progress   `json:"partitions,omitempty"` // of a provisional document, in place of Sealed
	Usage       []App        `json:"usage"`
	Others      *Others      `json:"others,omitempty"`       // apps that are not listed; nil: none
	Rejected    uint64       `json:"rejected"`               // dead letters whose app cannot be read
	BeforeBooks uint64       `json:"before_books,omitempty"` // events of months before the books whose app cannot be read
	Uncounted                // whose app cannot be read

	NotBilled     []NotBilled `json:"not_billed,omitempty"`      // what was not billed, or wants a look before it is
	NotBilledMore int         `json:"not_billed_more,omitempty"` // that are not listed, since MostNotBilled weigh more
}

// Sealed says where a partition's month ends.
type Sealed struct {
	Partition events.Partition `json:"partition"`
	Offset    events.Offset    `json:"offset"`
}

// Progress says how far a partition is counted.
type Progress struct {
	Partition events.Partition `json:"partition"`
	Offset    events.Offset    `json:"offset"` // of the next record to count, by the newest checkpoint
	End       events.Offset    `json:"end"`    // of the partition
	Lag       int64            `json:"lag"`
	Owner     string           `json:"owner"`
}

// App is the usage of one app.
type App struct {
	App        string  `json:"app"`
	Account    *string `json:"account"` // null: nobody is billed for it
	Events     uint64  `json:"events"`
	Duplicates uint64  `json:"duplicates"`
	Skewed     uint64  `json:"skewed"`
	Expired    uint64  `json:"expired"`
	Rejected   uint64  `json:"rejected"`

	BeforeBooks uint64 `json:"before_books,omitempty"` // events of months before the books
	Uncounted

	Kinds  map[string]Count `json:"kinds"`
	Meters []Meter          `json:"meters"`
	Daily  []Day            `json:"daily"`
	Late   []Late           `json:"late"`
	Digest string           `json:"digest"`

	overLimit uint64 // dead letters that found no room, each of which holds; of a document that was read 0
}

// Count is what the two witnesses say of a kind.
type Count struct {
	Exact    uint64 `json:"exact"`
	Estimate uint64 `json:"estimate"`
}

// Meter is what the plan in force counts.
type Meter struct {
	Meter    string  `json:"meter"`
	Exact    uint64  `json:"exact"`
	Estimate *uint64 `json:"estimate"` // null: no sketch
	Bound    *Bound  `json:"bound"`    // how far the two may lie apart, relative to the exact count
	Verdict  Verdict `json:"verdict"`
	Days     []Value `json:"days,omitempty"` // what is new on each day; days without are left out
}

// Value is a meter's value of a day.
type Value struct {
	Day   string `json:"day"`
	Value uint64 `json:"value"`
}

// Day is what an app's devices and users did on a day.
type Day struct {
	Day    string `json:"day"`
	Active uint64 `json:"active"` // devices of any kind
	New    uint64 `json:"new"`    // those whose first day it is
	Users  uint64 `json:"users"`  // of login
}

// Late is how many devices, and users, of a month came after its seal only.
type Late struct {
	Month   events.Month `json:"month"`
	Devices uint64       `json:"devices"`
	Users   uint64       `json:"users,omitempty"`
}

// Bound prints with four decimals.
type Bound float64

// MarshalJSON prints four decimals at most.
func (b Bound) MarshalJSON() ([]byte, error) { return json.Marshal(math.Round(float64(b)*1e4) / 1e4) }

// Verdict says whether the two witnesses agree.
type Verdict string

// Verdicts.
const (
	Agree  Verdict = "agree"
	Differ Verdict = "differ"
	None   Verdict = "none" // no sketch
)

// AllBeforeBooks is how many events were of months before the books, of whatever app.
func (d *Document) AllBeforeBooks() uint64 {
	n := d.BeforeBooks
	if d.Others != nil {
		n += d.Others.BeforeBooks
	}
	for i := range d.Usage {
		n += d.Usage[i].BeforeBooks
	}
	return n
}

// Rating returns what rating needs of the document.
func (d *Document) Rating() (rating.Usage, error) {
	u := rating.Usage{Month: d.Month, Apps: make([]rating.AppUsage, len(d.Usage))}
	for i := range d.Usage {
		u.Apps[i] = rating.AppUsage{App: d.Usage[i].App, Meters: make([]rating.MeterUsage, len(d.Usage[i].Meters))}
		for j, m := range d.Usage[i].Meters {
			to := &u.Apps[i].Meters[j]
			to.Meter, to.Exact = m.Meter, int64(m.Exact) // past 2^63 it is negative, which is refused below
			for _, v := range m.Days {
				to.Days = append(to.Days, rating.DayValue{Day: v.Day, Value: int64(v.Value)})
			}
		}
	}
	if err := u.Check(); err != nil {
		return rating.Usage{}, err
	}
	return u, nil
}
