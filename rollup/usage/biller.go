package usage

import (
	"headcount/events"
	"headcount/rating"
)

// Biller says who is billed for an app in the month, and what the plan counts; account "": nobody.
type Biller func(app string) (account string, meters []rating.Meter)

// NewBiller tells by accounts and books who is billed for an app in a month. The zone is one that was checked.
func NewBiller(catalog *rating.Catalog, accounts *rating.Accounts, month events.Month, zoneName string) Biller {
	zone, err := events.LoadZone(zoneName)
	if err != nil {
		panic("zone was not checked: " + err.Error())
	}
	type answer struct {
		account string
		meters  []rating.Meter
	}
	known := map[string]answer{}
	return func(app string) (string, []rating.Meter) {
		a, ok := known[app]
		if !ok {
			a.account, _, a.meters = accounts.MetersOf(catalog, month, zone, app)
			known[app] = a
		}
		return a.account, a.meters
	}
}
