package rating

import (
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"headcount/internal/calendar"
)

// refund is what is paid back of a plan.
type refund struct {
	amount, cash, credit decimal.Decimal
	how                  string
	from, until          Date // the plan month it was given up in
}

// refundOf returns what is paid back when a run of purchases is given up at t: the current plan month's order and orders not yet
// in effect, net of vouchers, less the used value; nil where the book pays nothing back, or nothing was running.
func (c *contract) refundOf(r run, t time.Time) *refund {
	rules := &r.plan.Book.Rules
	fee, _ := c.fee(r.plan)
	if rules.Refund == noRefund || fee == nil {
		return nil
	}
	apps := decimal.NewFromInt(int64(len(c.acc.apps)))
	monthly := fee.Mul(apps)
	var out refund
	paid, cash := exactly(decimal.Zero), exactly(decimal.Zero)
	used := exactly(decimal.Zero)
	running := false
	today := calendar.DateOf(t.In(c.zone))
	horizon := t.Add(1)
	for _, p := range c.chain(r, horizon, c.ends) {
		left := p.months
		switch {
		case p.order != nil && p.order.when.At(c.zone).After(t) || p.months == 0:
			continue
		case p.order == nil && !p.from.Before(t): // what would be bought by itself at this instant is not paid
			continue
		case !p.from.After(t):
			k, ok := p.monthOf(today)
			if !ok {
				continue
			}
			left = p.offset + p.months - k
			out.from, out.until = p.anchor.AddMonths(k), p.anchor.AddMonths(k+1)
			days, of := out.from.DaysUntil(today), out.from.DaysUntil(out.until)
			if rules.Refund == startedDays {
				days++
			}
			used = exactly(monthly).share(days, of)
			out.how = fmt.Sprintf("used %s × %d/%d days", monthly, days, of)
			running = true
		}
		if p.order == nil || p.order.listed {
			whole := exactly(monthly.Mul(decimal.NewFromInt(int64(left))))
			paid, cash = paid.plus(whole), cash.plus(whole)
			continue
		}
		paid = paid.plus(exactly(p.order.cash.Add(p.order.credit)).share(left, p.months))
		cash = cash.plus(exactly(p.order.cash).share(left, p.months))
	}
	if !running {
		return nil
	}
	digits := r.plan.Book.Digits
	out.how = fmt.Sprintf("%s paid for what is not over, %s", paid.round(digits), out.how)
	rest := paid.minus(used)
	if !rest.num.IsPositive() {
		return &out
	}
	out.amount = rest.round(digits)
	// The cash part is rounded, credit is what remains: the two always make the whole.
	share := fraction{out.amount.Mul(cash.num).Mul(paid.den), cash.den.Mul(paid.num)}
	out.cash = share.round(digits)
	out.credit = out.amount.Sub(out.cash)
	return &out
}

// monthOf returns which month of its anchor's a day lies in, counted from 0; false: the period is over by then.
func (p *period) monthOf(day Date) (k int, ok bool) {
	if !day.Before(p.anchor.AddMonths(p.offset + p.months)) {
		return 0, false
	}
	for k = p.offset; k+1 < p.offset+p.months && !day.Before(p.anchor.AddMonths(k+1)); {
		k++
	}
	return k, true
}

// planRefund is a refund and when it was due.
type planRefund struct {
	*refund
	date Date
	plan *Plan
}

// refunds returns the refunds of plans given up in a month: by a change of plan, or cancelled.
func (c *contract) refunds(m Month) (out []planRefund) {
	runs := c.runs()
	for i, r := range runs {
		at := r.limit
		if !c.halted.IsZero() && (at.IsZero() || c.halted.Before(at)) {
			if c.cause != causeCancelled {
				return out
			}
			at = c.halted
		}
		if at.IsZero() || at.Before(r.from) {
			return out
		}
		if m == calendar.DateOf(at.In(c.zone)).Month {
			if i+1 < len(runs) || at.Equal(c.halted) {
				if f := c.refundOf(r, at); f != nil && f.amount.IsPositive() {
					out = append(out, planRefund{f, calendar.DateOf(at.In(c.zone)), r.plan})
				}
			}
		}
		if at.Equal(c.halted) {
			return out
		}
	}
	return out
}
