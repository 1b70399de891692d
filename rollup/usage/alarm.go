package usage

import (
	"fmt"

	"github.com/shopspring/decimal"

	"headcount/counter"
)

// SkewLimit is the share of an app's events, with a wrong device clock or of a finished month, past which its invoice is held.
type SkewLimit struct{ decimal.Decimal }

// NoSkewLimit holds nothing: no share is larger than the whole.
var NoSkewLimit = SkewLimit{decimal.NewFromInt(1)}

// ParseSkewLimit reads a share such as 0.01.
func ParseSkewLimit(text string) (SkewLimit, error) {
	share, err := decimal.NewFromString(text)
	if err != nil {
		return SkewLimit{}, fmt.Errorf("share %q: %w", text, err)
	}
	return SkewLimit{share}, nil
}

// alarm notes why the app's account must not be billed unseen.
func (g *gatherer) alarm(u *counter.AppUnion, a *App) {
	note := func(format string, args ...any) { g.note(a.App, format, args...) }
	if u.Stretch.OverLimit > 0 {
		note("%d records were over a limit and not counted", u.Stretch.OverLimit)
	}
	odd := decimal.NewFromUint64(a.Skewed + a.Expired)
	if odd.GreaterThan(g.limit.Mul(decimal.NewFromUint64(a.Events + a.Expired))) {
		note("%d events had a wrong clock and %d were of a finished month, more than %s of %d", a.Skewed, a.Expired, g.limit, a.Events+a.Expired)
	}
}

func (g *gatherer) note(app, format string, args ...any) {
	g.alarms[app] = append(g.alarms[app], fmt.Sprintf("app %s: ", app)+fmt.Sprintf(format, args...))
}
