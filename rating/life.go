package rating

import (
	"fmt"
	"time"

	"headcount/internal/calendar"
	"headcount/internal/strict"
)

// State is where a subscription stands.
type State string

// The states of a subscription.
const (
	Pending     State = "pending"     // not begun
	Trial       State = "trial"       // in force, on a plan that is never charged
	Active      State = "active"      // in force
	Expiring    State = "expiring"    // in force, and reminded of its expiry
	Expired     State = "expired"     // past its expiry: still served up to the suspension, if the book has one
	Suspended   State = "suspended"   // not served, for expiry or arrears; what it holds is kept
	Repossessed State = "repossessed" // lost
	Cancelled   State = "cancelled"   // given up, by a refund where the book has one
	Disabled    State = "disabled"    // switched off by the user, at once
)

// Subscription is one account at one time. Times are RFC 3339 in the billing zone, dates 2026-04-01; empty: there is none.
type Subscription struct {
	Account      string       `json:"account"`
	At           string       `json:"at"`
	Plan         string       `json:"plan"`
	State        State        `json:"state"`
	Since        string       `json:"since"` // when the state began
	Cause        string       `json:"cause,omitempty"`
	TermFrom     string       `json:"term_from"`
	TermUntil    string       `json:"term_until"` // exclusive; empty: open
	Renews       bool         `json:"renews"`     // by itself at the term's end
	Reminders    []string     `json:"reminders"`  // dates, about the expiry to come or just past
	Expiry       string       `json:"expiry"`
	Suspension   string       `json:"suspension"`   // when it is or was suspended, if nothing is done
	Repossession string       `json:"repossession"` // when all is lost, if nothing is done
	Refund       *RefundThen  `json:"refund"`       // if cancelled at this time; null: the book pays nothing back
	Due          []Prepaid    `json:"due"`          // to be paid ahead within a month
	Unpaid       []UnpaidBill `json:"unpaid"`
	DeductFrom   string       `json:"deduct_from"` // of this month's invoice
	DeductUntil  string       `json:"deduct_until"`
}

// RefundThen is what would be paid back.
type RefundThen struct {
	Amount string `json:"amount"`
	Cash   string `json:"cash"`
	Credit string `json:"credit"`
	How    string `json:"how"`
}

// UnpaidBill is a bill pushed and not paid.
type UnpaidBill struct {
	Month   Month  `json:"month"`
	Pushed  string `json:"pushed"`
	Suspend string `json:"suspend"` // when the service is suspended for it
}

// SubscriptionAt says where an account stands at a time. It knows what was known then: orders, bills and payments of later are
// not in it; changes and ends that the file announces are.
func SubscriptionAt(a *Accounts, cat *Catalog, zone *time.Location, id string, at time.Time) (*Subscription, error) {
	if zone == nil {
		zone = time.UTC
	}
	at = at.In(zone)
	whole := a.find(id)
	if whole == nil {
		return nil, fmt.Errorf("%s: unknown account %q%s", a.file, id, strict.DidYouMean(id, a.IDs()))
	}
	if _, err := whole.resolve(cat, zone); err != nil {
		return nil, err
	}
	c, err := whole.knownAt(at, zone).resolve(cat, zone)
	if err != nil {
		return nil, err
	}
	l := life{c: c, at: at, today: calendar.DateOf(at), plan: c.planAt(at)}
	return l.subscription(), nil
}

// knownAt returns the account without what came later.
func (x *account) knownAt(at time.Time, zone *time.Location) *account {
	y := *x
	y.orders, y.bills = nil, nil
	for _, o := range x.orders {
		if !o.when.At(zone).After(at) {
			y.orders = append(y.orders, o)
		}
	}
	for _, b := range x.bills {
		if b.pushed.At(zone).After(at) {
			continue
		}
		if b.paid != nil && b.paid.At(zone).After(at) {
			b.paid = nil
		}
		y.bills = append(y.bills, b)
	}
	return &y
}

// life is a contract looked at from one time.
type life struct {
	c     *contract
	at    time.Time
	today Date
	plan  *Plan
}

func (l *life) subscription() *Subscription {
	s := &Subscription{
		Account: l.c.acc.id, At: l.stamp(l.at), Plan: l.plan.ID(), Reminders: []string{}, Due: []Prepaid{}, Unpaid: []UnpaidBill{},
	}
	s.DeductFrom, s.DeductUntil = l.plan.Book.Rules.deducted(l.today.Month)
	expiry := l.term(s)
	halts := l.c.halts(l.today.AddDays(800).Start(l.c.zone))
	l.dates(s, expiry, halts)
	l.state(s, expiry, halts)
	l.unpaid(s)
	switch s.State {
	case Trial, Active, Expiring, Expired, Suspended:
		l.refund(s)
		l.due(s)
	}
	return s
}

func (l *life) stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(l.c.zone).Format(time.RFC3339)
}

// term fills in the current or last term and returns when what is bought by now expires; zero: never.
func (l *life) term(s *Subscription) (expiry time.Time) {
	ps := l.c.periods(l.at.Add(1))
	i := len(ps) - 1
	for i > 0 && ps[i].from.After(l.at) {
		i--
	}
	if i < 0 {
		return time.Time{}
	}
	s.TermFrom, s.TermUntil = l.stamp(ps[i].from), l.stamp(ps[i].until)
	expiry = ps[i].until
	stopped := !expiry.IsZero() && l.c.renewal(ps[i].plan, expiry).IsZero() // nothing renews while a bill is past due
	if (l.c.acc.renew || !l.c.ends.IsZero()) && !stopped {
		_, end := l.c.envelope()
		s.Renews = !expiry.IsZero() && (end.IsZero() || expiry.Before(end))
		return end
	}
	for follows := true; follows && !expiry.IsZero(); { // bought already, or announced by a change
		follows = false
		for _, p := range l.c.periods(expiry.Add(1)) {
			if p.from.Equal(expiry) {
				expiry, follows = p.until, true
				break
			}
		}
	}
	return expiry
}

// remindedFrom returns when reminders of an expiry begin; zero: there are none.
func (l *life) remindedFrom(expiry time.Time) time.Time {
	r := l.plan.Book.Reminders
	if r == nil || expiry.IsZero() {
		return time.Time{}
	}
	return calendar.DateOf(expiry).AddDays(1 - r.DaysBefore).Start(l.c.zone)
}

// dates fills in what happens if nothing is done.
func (l *life) dates(s *Subscription, expiry time.Time, halts []halt) {
	if !expiry.IsZero() && (l.c.halted.IsZero() || !l.c.halted.Before(expiry)) {
		s.Expiry = l.stamp(expiry)
		if r := l.plan.Book.Reminders; r != nil && !s.Renews {
			day := calendar.DateOf(expiry)
			for d := day.AddDays(1 - r.DaysBefore); !day.AddDays(r.DaysAfter).Before(d); d = d.AddDays(1) {
				s.Reminders = append(s.Reminders, d.String())
			}
		}
	}
	var first *halt
	for i := range halts {
		h := &halts[i]
		if (h.until.IsZero() || h.until.After(l.at)) && (first == nil || h.from.Before(first.from)) {
			first = h
		}
	}
	if first != nil {
		s.Suspension, s.Repossession = l.stamp(first.from), l.stamp(first.repossessed(l.c.zone))
	} else if l.c.cause == causeCancelled && l.plan.Book.Suspension != nil {
		s.Suspension = l.stamp(l.c.halted)
		s.Repossession = l.stamp(l.lostAfterCancelling())
	}
}

// lostAfterCancelling is when a cancelled account's content is gone: it is kept as that of a suspended one.
func (l *life) lostAfterCancelling() time.Time {
	if l.plan.Book.Suspension == nil {
		return time.Time{}
	}
	return calendar.DateOf(l.c.halted).AddDays(l.plan.Book.Suspension.KeepDays).Start(l.c.zone)
}

// stateSince is a state, since when, and why.
type stateSince struct {
	state State
	since time.Time
	cause string
}

func (l *life) state(s *Subscription, expiry time.Time, halts []halt) {
	now := l.stateNow(s, expiry, halts)
	s.State, s.Since, s.Cause = now.state, l.stamp(now.since), now.cause
}

// stateNow goes from what is for good to what may pass: not begun, ended, halted, in force, expired.
func (l *life) stateNow(s *Subscription, expiry time.Time, halts []halt) stateSince {
	began := l.c.steps[0].at
	if l.at.Before(began) {
		return stateSince{state: Pending}
	}
	if h := l.c.halted; l.reached(h) {
		return l.ended(h)
	}
	for _, h := range halts {
		if !l.at.Before(h.from) && !l.reached(h.until) {
			if lost := h.repossessed(l.c.zone); l.reached(lost) {
				return stateSince{Repossessed, lost, h.cause}
			}
			return stateSince{Suspended, h.from, h.cause}
		}
	}
	for _, v := range l.c.service(began, l.at.Add(1)) {
		if !v.from.After(l.at) && l.at.Before(v.until) {
			v.from = laterOf(v.from, resumed(halts, l.at))
			return l.inForce(v, s, expiry)
		}
	}
	return stateSince{Expired, expiry, causeExpiry}
}

// resumed returns when the service last came back before a time; zero: it never stood still.
func resumed(halts []halt, at time.Time) (last time.Time) {
	for _, h := range halts {
		if !h.until.IsZero() && !h.until.After(at) {
			last = laterOf(last, h.until)
		}
	}
	return last
}

// reached says whether a time has come; zero never does.
func (l *life) reached(t time.Time) bool { return !t.IsZero() && !l.at.Before(t) }

// ended is the state of an account that ended before its time.
func (l *life) ended(at time.Time) stateSince {
	switch l.c.cause {
	case causeDisabled:
		return stateSince{Disabled, at, causeDisabled}
	case causeCancelled:
		if lost := l.lostAfterCancelling(); l.reached(lost) {
			return stateSince{Repossessed, lost, causeCancelled}
		}
		return stateSince{Cancelled, at, causeCancelled}
	}
	return stateSince{Repossessed, at, causeArrears}
}

// inForce is the state in a stretch of service.
func (l *life) inForce(v stretch, s *Subscription, expiry time.Time) stateSince {
	if v.grace {
		return stateSince{Expired, v.from, causeExpiry}
	}
	if reminded := l.remindedFrom(expiry); s.Expiry != "" && l.reached(reminded) {
		if reminded.Before(v.from) {
			reminded = v.from
		}
		return stateSince{state: Expiring, since: reminded}
	}
	if l.plan.Reported {
		return stateSince{state: Trial, since: v.from}
	}
	return stateSince{state: Active, since: v.from}
}

func (l *life) unpaid(s *Subscription) {
	for i := range l.c.acc.bills {
		b := &l.c.acc.bills[i]
		if b.paid != nil {
			continue
		}
		u := UnpaidBill{Month: b.month, Pushed: l.stamp(b.pushed.At(l.c.zone))}
		if p := l.plan.Book.Suspension; p != nil && p.AfterBill != nil {
			u.Suspend = l.stamp(p.AfterBill.after(b.pushed.At(l.c.zone), l.c.zone))
		}
		s.Unpaid = append(s.Unpaid, u)
	}
}

func (l *life) refund(s *Subscription) {
	runs := l.c.runs()
	i := len(runs) - 1
	for i > 0 && runs[i].from.After(l.at) {
		i--
	}
	r := l.c.refundOf(runs[i], l.at)
	if r == nil {
		return
	}
	money := func(d interface{ StringFixed(int32) string }) string { return d.StringFixed(l.plan.Book.Digits) }
	s.Refund = &RefundThen{money(r.amount), money(r.cash), money(r.credit), r.how}
}

// due lists what is to be paid ahead from tomorrow up to this day of the next month, both included.
func (l *life) due(s *Subscription) {
	for _, p := range l.c.purchases(l.today.AddDays(1), l.today.AddMonths(1).AddDays(1)) {
		if !p.amount.IsNegative() {
			s.Due = append(s.Due, p.print(l.plan.Book.Digits))
		}
	}
}
