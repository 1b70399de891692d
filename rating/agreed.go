package rating

import "github.com/shopspring/decimal"

// agreed returns what the contract says instead of the fee of the plan or of an item; nil: the book's holds.
func (x *account) agreed(name string) *decimal.Decimal {
	for i := range x.overrides {
		if o := &x.overrides[i]; o.meter == name && o.field == feeField {
			return &o.value
		}
	}
	return nil
}

// fee returns what a plan costs a month, and where that comes from; nil: nothing.
func (c *contract) fee(p *Plan) (*decimal.Decimal, *Source) {
	if fee := c.acc.agreed(planFee); fee != nil && !p.Reported {
		return fee, &Source{Book: p.Book.Name, Version: p.Book.Date, Overrides: []string{planFee + "." + feeField}}
	}
	return p.Fee, p.Book.source
}

// unit returns what one of an item costs for a month, a day or a year, as its book has it on that day, and where that comes from.
func (u *use) unit() (decimal.Decimal, *Source) {
	b := u.plan.Book
	if fee := u.c.acc.agreed(u.item.Name); fee != nil {
		return *fee, &Source{Book: b.Name, Version: b.Date, Overrides: []string{u.item.Name + "." + feeField}}
	}
	if p := u.item.promoted(u.on); p != nil {
		return *p, b.source
	}
	return u.list(), b.source
}

// list is the book's price, without a promotion.
func (u *use) list() decimal.Decimal {
	if p := u.item.price(u.plan.Name, u.a.option); p != nil {
		return p.Price
	}
	return decimal.Zero
}
