package usage

import (
	"fmt"
	"strings"

	"headcount/counter"
	"headcount/rating"
)

// Hold marks the invoice of an account that is billed for an app that raised an alarm, or that all are held for. An app that it once had is
// another's concern.
func (all Alarms) Hold(v *rating.Invoice, accounts *rating.Accounts, bill Biller) {
	var reasons []string
	if v.Status == rating.StatusHeld {
		reasons = append(reasons, v.Reason)
	}
	for _, app := range accounts.AppsOf(v.Account) {
		if len(all[app]) == 0 {
			continue
		}
		if account, _ := bill(app); account == v.Account {
			reasons = append(reasons, all[app]...)
		}
	}
	reasons = append(reasons, all[""]...)
	if len(reasons) > 0 {
		v.Status, v.Reason = rating.StatusHeld, strings.Join(reasons, "; ")
	}
}

// alarm notes why the app's account must not be billed unseen.
func (g *gatherer) alarm(u *counter.AppUnion, a *App) {
	note := func(format string, args ...any) { g.note(a.App, format, args...) }
	if u.Stretch.OverLimit > 0 {
		note("%d records were over a limit and not counted", u.Stretch.OverLimit)
	}
	l := &g.limits
	if whole := a.Events + a.Expired; l.Passed(l.SkewLimit, a.Skewed+a.Expired, whole) {
		note("%d events had a wrong clock and %d were of a finished month, more than %s of %d", a.Skewed, a.Expired, l.SkewLimit, whole)
	}
	if whole := a.Events + a.Expired + a.Rejected; l.Passed(l.RejectLimit, a.Rejected, whole) {
		note("%d records were rejected as dead letters, more than %s of %d%s", a.Rejected, l.RejectLimit, whole, a.reasons())
	}
	unknown := a.Unknowns()
	if whole := a.Events + a.Expired + a.Rejected + unknown; l.Passed(l.UnknownLimit, unknown, whole) {
		note("%d events were of unknown types, more than %s of %d: %s", unknown, l.UnknownLimit, whole,
			most(a.Unknown, func(x *OfType) (*string, *uint64) { return &x.Type, &x.Events }))
	}
	if far, whole := a.far(g.rules.Month), a.Events+a.Expired+a.BeforeBooks; l.Passed(l.FarLimit, far, whole) {
		note("%d events were before the books by a year or more, more than %s of %d: %s", far, l.FarLimit, whole, most(a.BeforeBooksOf, ofMonth))
	}
}

// everyone notes why no account must be billed unseen: records of no known app may be anybody's.
func (g *gatherer) everyone() {
	records := g.doc.Rejected
	for i := range g.doc.Usage {
		a := &g.doc.Usage[i]
		records += a.Events + a.Expired + a.Rejected
	}
	l := &g.limits
	note := func(format string, args ...any) {
		if !g.judged {
			g.alarms[""] = append(g.alarms[""], fmt.Sprintf(format, args...))
		}
	}
	if l.Passed(l.RejectLimit, g.overLimit, records) {
		note("%d records of no known app were over a limit and not counted", g.overLimit)
	}
	if l.Passed(l.RejectLimit, g.doc.Rejected, records) {
		note("%d records of no known app were rejected as dead letters, more than %s of %d%s", g.doc.Rejected, l.RejectLimit, records, g.doc.reasons())
	}
}

func (g *gatherer) note(app, format string, args ...any) {
	if !g.judged {
		g.noteQuantity(app, format, args...)
	}
}

// noteQuantity is note of what is looked at again where reports came late.
func (g *gatherer) noteQuantity(app, format string, args ...any) {
	g.alarms[app] = append(g.alarms[app], fmt.Sprintf("app %s: ", app)+fmt.Sprintf(format, args...))
}
