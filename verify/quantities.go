package verify

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headcount/verify/chain"
	"headcount/verify/recount"
)

// corrected returns apps with the quantities that an amendment says.
func corrected(apps map[string]*recount.App, all []chain.Quantity) map[string]*recount.App {
	if len(all) == 0 {
		return apps
	}
	of := map[string][]chain.Quantity{}
	for _, q := range all {
		of[q.App] = append(of[q.App], q)
	}
	fixed := map[string]*recount.App{}
	for name, a := range apps {
		fixed[name] = a
	}
	for name, list := range of {
		fixed[name] = apps[name].Correct(list)
	}
	return fixed
}

// implausible says whether a value is more than so many times what it was.
func (l *limits) implausible(value, was uint64) bool {
	if l.QuantityJump == 0 || was == 0 || value < l.HoldLeast {
		return false
	}
	most := new(big.Int).SetUint64(was)
	most.Mul(most, new(big.Int).SetUint64(l.QuantityJump))
	return new(big.Int).SetUint64(value).Cmp(most) > 0
}

// billedQuantities reads what meters of the month before came to as it was billed when the close began, by app.
func (m *closedMonth) billedQuantities(ctx context.Context) (map[string]map[string]uint64, error) {
	all := map[string]map[string]uint64{}
	p := m.subject.Closing.Previous
	if p == nil {
		return all, nil
	}
	stored, err := m.ledger.Result(ctx, p.Month)
	if errors.Is(err, chain.ErrNotFound) {
		return all, nil
	}
	if err != nil {
		return nil, inLedger(err)
	}
	texts := []jsontext.Value{}
	for _, u := range stored.Usage {
		texts = append(texts, u.Document)
	}
	amendments, err := m.ledger.Amendments(ctx, p.Month)
	if err != nil {
		return nil, inLedger(err)
	}
	for _, a := range amendments {
		var d struct {
			Usage []jsontext.Value `json:"usage"`
		}
		if a.At.After(m.subject.Closing.At) {
			break
		}
		if err := json.Unmarshal(a.Usage, &d); err != nil {
			return nil, inLedger(fmt.Errorf("amendment %d of %s: %w", a.Number, p.Month, err))
		}
		texts = append(texts, d.Usage...) // the newer in the place of the older
	}
	for _, text := range texts {
		var u usageApp
		if err := json.Unmarshal(text, &u, caseless); err != nil {
			return nil, inLedger(fmt.Errorf("usage of %s: %w", p.Month, err))
		}
		all[u.App] = map[string]uint64{}
		for _, x := range u.Meters {
			all[u.App][x.Meter] = x.Exact
		}
	}
	return all, nil
}

// quantity wants the invoice of an app's account to be held where its quantity is doubtful by itself, or far above the month before's.
func (c *usageCheck) quantity(app, meter, aggregate string, value uint64, a *recount.App) {
	why := a.Doubtful(meter, aggregate)
	if was := c.m.quantitiesBefore[app][meter]; c.m.limits.implausible(value, was) {
		why = fmt.Sprintf("%d is more than %d times the %d of the month before", value, c.m.limits.QuantityJump, was)
	}
	if why == "" {
		return
	}
	for i := range c.m.prices.invoices {
		x := &c.m.prices.invoices[i]
		for _, owner := range c.m.prices.accountsOf(app) {
			if x.Account == owner && x.Month == c.m.name && x.Revision == 1 {
				c.r.Same("quantities", x.Status, "held", "%s: status, by meter %s of app %s: %s", x.place(), meter, app, why)
			}
		}
	}
}
