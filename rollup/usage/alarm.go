package usage

import (
	"fmt"

	"headcount/counter"
)

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
		note("%d records were rejected as dead letters, more than %s of %d", a.Rejected, l.RejectLimit, whole)
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
