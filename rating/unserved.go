package rating

import "time"

// Unserved is an account that names an app and is not in force in a month.
type Unserved struct {
	Account string
	Plan    string    // its last before the month; where it begins later, its first
	From    time.Time // of the account
	Until   time.Time // when its last plan ended; zero: it never does
}

// Ended says whether the account was in force until before the month began.
func (u Unserved) Ended(month Month, zone *time.Location) bool {
	from, _ := month.Span(zone)
	return !u.Until.IsZero() && !u.Until.After(from)
}

// Unserved returns the accounts that name an app and are not in force in a month, as the accounts file has them. The accounts must have
// passed Check.
func (a *Accounts) Unserved(cat *Catalog, month Month, zone *time.Location, app string) (all []Unserved) {
	if checkMonth(month) != nil {
		return nil
	}
	if zone == nil {
		zone = time.UTC
	}
	for _, x := range a.of(app) {
		c, err := x.resolve(cat, zone)
		if err != nil || c.month(month) != nil {
			continue
		}
		u := Unserved{Account: x.id}
		u.From, u.Until = c.envelope()
		at, _ := month.Span(zone)
		if at.Before(u.From) {
			at = u.From
		}
		u.Plan = c.planAt(at).ID()
		all = append(all, u)
	}
	return all
}
