package verify

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"headcount/verify/report"
)

// limits are past what invoices are held, as the closing has them: a share of 0.01 as text. A limit that is not there holds nothing.
type limits struct {
	HoldLeast    uint64  `json:"hold_least"`
	SkewLimit    *string `json:"skew_limit"`
	RejectLimit  *string `json:"reject_limit"`
	UnknownLimit *string `json:"unknown_limit"`
	FarLimit     *string `json:"far_limit"`     // of events a year or more before the books; where it is, dead letters of no app hold too
	DeviceJump   uint64  `json:"device_jump"`   // holds nothing
	QuantityJump uint64  `json:"quantity_jump"` // times what a quantity was in the month before; 0: nothing is too much
	Witnesses    struct {
		Many         int
		Narrow, Wide struct{ K, Slack float64 }
	} `json:"witnesses"`
}

// firstLimits are those of the releases that kept none in the closing.
const firstLimits = `{"hold_least":20,"skew_limit":"0.01","reject_limit":"0.01","quantity_jump":10,"witnesses":{"many":1000,"narrow":{"k":5.7,"slack":10},"wide":{"k":6.5,"slack":16}}}`

// usualLimits are those of who configures none.
const usualLimits = `{"hold_least":20,"skew_limit":"0.01","reject_limit":"0.01","unknown_limit":"1","far_limit":"0.01","device_jump":2,"quantity_jump":10,"witnesses":{"many":1000,"narrow":{"k":5.7,"slack":10},"wide":{"k":6.5,"slack":16}}}`

// readLimits reads the closing's limits, and remarks on those that are not the usual ones.
func (m *closedMonth) readLimits(r *report.Report) (l limits) {
	l.QuantityJump = 10 // also where a closing has other limits, and not that one yet
	text := m.subject.Closing.Limits
	if text == "" {
		text = firstLimits
	}
	if err := json.Unmarshal([]byte(text), &l, caseless, json.RejectUnknownMembers(true)); err != nil {
		r.Wrong("holds", "ledger, closing of "+m.name+": limits", "limits that this program knows", err.Error())
		_ = json.Unmarshal([]byte(usualLimits), &l, caseless)
		return l
	}
	var is, usual map[string]any
	_, _ = json.Unmarshal([]byte(text), &is), json.Unmarshal([]byte(usualLimits), &usual)
	var other []string
	for name, value := range is {
		if name == "witnesses" { // nobody can configure them
			r.Same("holds", fmt.Sprint(value), fmt.Sprint(usual[name]), "ledger, closing of %s: limits of the two witnesses", m.name)
			continue
		}
		if got, want := fmt.Sprint(value), fmt.Sprint(usual[name]); got != want {
			other = append(other, fmt.Sprintf("%s %s, not %s", name, got, want))
		}
	}
	if slices.Sort(other); len(other) > 0 {
		r.Remark("%s was closed with other limits than usual: %s", m.name, strings.Join(other, "; "))
	}
	return l
}

// farMonths is how long before the month an event lies that a wrong clock has dated.
const farMonths = 12

// passes says whether some of a whole are more than a share, and enough of them.
func (l *limits) passes(share *string, some, whole uint64) bool {
	if share == nil || some < l.HoldLeast {
		return false
	}
	return rational(some).Cmp(new(big.Rat).Mul(decimal(*share), rational(whole))) > 0
}

// holds compares which of the month's invoices are held with what was counted again. Other causes there are: what of the log was lost, a
// price by day whose days are not known.
func (c *usageCheck) holds() {
	if c.m.prices.month == nil {
		return
	}
	all := c.n.Nameless.Rejected
	for _, a := range c.n.Apps {
		all += a.Events + a.Stretch.Expired + a.Finished + a.Stretch.Rejected
	}
	l := &c.m.limits
	everyone := ""
	if l.passes(l.RejectLimit, c.n.Nameless.OverLimit, all) {
		everyone = fmt.Sprintf("%d records of no known app over a limit", c.n.Nameless.OverLimit)
	}
	if l.FarLimit != nil && l.passes(l.RejectLimit, c.n.Nameless.Rejected, all) {
		everyone = fmt.Sprintf("%d records of no known app rejected of %d", c.n.Nameless.Rejected, all)
	}
	for i := range c.m.prices.invoices {
		x := &c.m.prices.invoices[i]
		if x.Month != c.m.name || x.Revision != 1 {
			continue
		}
		why := everyone
		for _, app := range c.m.prices.month.Apps(x.Account) {
			if reason := c.cause(app); reason != "" && c.m.prices.month.Owner(app) == x.Account {
				why = "app " + app + ": " + reason
			}
		}
		if why != "" {
			c.r.Same("holds", x.Status, "held", "%s: status, for %s", x.place(), why)
			continue
		}
		c.r.Count("holds", 1)
		if x.Status == "held" {
			c.r.Remark("%s is held for what is not counted again here: %s", x.place(), x.Reason)
		}
	}
}

// cause says why an app's invoice is to be held; empty: its numbers give no cause.
func (c *usageCheck) cause(app string) string {
	a, l := c.n.Apps[app], &c.m.limits
	if a == nil {
		return ""
	}
	expired := a.Stretch.Expired + a.Finished
	odd, whole := a.Skewed+expired, a.Events+expired
	unknown, far := a.Unknowns(), a.FarOff(c.m.subject.Month, farMonths)
	switch {
	case a.Stretch.OverLimit > 0:
		return fmt.Sprintf("%d records over a limit", a.Stretch.OverLimit)
	case l.passes(l.SkewLimit, odd, whole):
		return fmt.Sprintf("%d skewed or expired of %d", odd, whole)
	case l.passes(l.RejectLimit, a.Stretch.Rejected, whole+a.Stretch.Rejected):
		return fmt.Sprintf("%d rejected of %d", a.Stretch.Rejected, whole+a.Stretch.Rejected)
	case l.passes(l.UnknownLimit, unknown, whole+a.Stretch.Rejected+unknown):
		return fmt.Sprintf("%d of unknown types of %d", unknown, whole+a.Stretch.Rejected+unknown)
	case l.passes(l.FarLimit, far, whole+a.Stretch.BeforeBooks+a.Unopened):
		return fmt.Sprintf("%d before the books by a year or more of %d", far, whole+a.Stretch.BeforeBooks+a.Unopened)
	case c.differ[app]:
		return "witnesses that differ"
	}
	return ""
}
