package rating

import (
	"fmt"
	"strings"

	"headcount/internal/strict"
)

// BookInfo describes a book for display.
type BookInfo struct {
	Book     string     `json:"book"`
	Title    string     `json:"title"`
	Source   string     `json:"source"`
	Date     string     `json:"date"` // of the source; undated
	Currency string     `json:"currency"`
	Notes    []string   `json:"notes,omitempty"`
	Plans    []PlanInfo `json:"plans"`
}

// PlanInfo describes a plan for display.
type PlanInfo struct {
	Plan     string        `json:"plan"` // book/plan
	Title    string        `json:"title"`
	Charged  bool          `json:"charged"` // false: reported, never charged
	Fee      string        `json:"fee,omitempty"`
	FeePaid  string        `json:"fee_paid,omitempty"` // ahead, after
	Term     string        `json:"term,omitempty"`
	MinTerm  string        `json:"minimum_term,omitempty"`
	MaxTerm  string        `json:"maximum_term,omitempty"`
	Meters   []ChargeInfo  `json:"meters"`
	Items    []ItemInfo    `json:"items,omitempty"`
	Packages []PackageInfo `json:"packages,omitempty"`
	Limits   []Fact        `json:"limits,omitempty"`
	Features []string      `json:"features,omitempty"`
	Notes    []string      `json:"notes,omitempty"`
}

// ChargeInfo describes a meter and its price.
type ChargeInfo struct {
	Meter string   `json:"meter"`
	Title string   `json:"title"`
	Kinds []string `json:"kinds,omitempty"`
	Free  string   `json:"free"`
	Price string   `json:"price"` // in words
}

// ItemInfo describes a value-added item.
type ItemInfo struct {
	Item   string       `json:"item"`
	Title  string       `json:"title"`
	Price  string       `json:"price"` // in words
	Meters []ChargeInfo `json:"meters,omitempty"`
	Notes  []string     `json:"notes,omitempty"`
}

// PackageInfo describes a package.
type PackageInfo struct {
	Item   string   `json:"item"`
	Title  string   `json:"title"`
	Size   string   `json:"size"` // what it is sold by: a quantity, or mau from one size to another
	Covers []string `json:"covers"`
	Term   string   `json:"term"`
	Notes  []string `json:"notes,omitempty"`
}

// Describe returns all books for display.
func (c *Catalog) Describe() []BookInfo {
	out := make([]BookInfo, len(c.books))
	for i, b := range c.books {
		out[i] = BookInfo{Book: b.Name, Title: b.Title, Source: b.Source, Date: b.Date, Currency: b.Currency, Notes: b.Notes}
		for _, p := range b.Plans {
			out[i].Plans = append(out[i].Plans, p.Describe())
		}
	}
	return out
}

// DescribeOne returns a book for display, or of the book of a plan (book/plan) that plan alone. The error says what was meant.
func (c *Catalog) DescribeOne(name string) (BookInfo, error) {
	var known []string
	for _, b := range c.Describe() {
		if b.Book == name {
			return b, nil
		}
		known = append(known, b.Book)
		for _, plan := range b.Plans {
			if plan.Plan == name {
				b.Plans = []PlanInfo{plan}
				return b, nil
			}
			known = append(known, plan.Plan)
		}
	}
	return BookInfo{}, fmt.Errorf("no book or plan is called %s%s", name, strict.DidYouMean(name, known))
}

// Describe returns the plan for display.
func (p *Plan) Describe() PlanInfo {
	info := PlanInfo{
		Plan: p.ID(), Title: p.Title, Charged: !p.Reported, Meters: []ChargeInfo{}, Limits: p.Limits, Features: p.Features, Notes: p.Notes,
	}
	if p.Fee != nil {
		info.Fee, info.FeePaid = p.Fee.String()+" a month", p.Book.Rules.PlanFee
	}
	for _, t := range []struct {
		to   *string
		term Term
	}{{&info.Term, p.Term}, {&info.MinTerm, p.MinTerm}, {&info.MaxTerm, p.MaxTerm}} {
		if t.term != 0 {
			*t.to = t.term.String()
		}
	}
	for _, c := range p.Charges {
		info.Meters = append(info.Meters, c.describe(p))
	}
	for _, i := range p.Book.Items {
		if len(i.options(p.Name)) > 0 {
			info.Items = append(info.Items, i.describe(p))
		}
	}
	for _, k := range p.Book.Packages {
		pack := PackageInfo{Item: k.Name, Title: k.Title, Size: "quantity", Term: k.Term.String(), Notes: k.Notes}
		if k.SizeOf == "mau" {
			pack.Size = fmt.Sprintf("%d to %d mau", k.Min, k.Max)
		}
		if k.Meter != nil {
			pack.Covers = append(pack.Covers, k.Meter.Name+" until used up")
		}
		for _, c := range k.Covers {
			size := c.Quantity.String()
			if c.BySize {
				size = "its mau"
			}
			pack.Covers = append(pack.Covers, fmt.Sprintf("%s %s a month", size, c.Meter.Name))
		}
		info.Packages = append(info.Packages, pack)
	}
	return info
}

func (c *Charge) describe(p *Plan) ChargeInfo {
	info := ChargeInfo{Meter: c.Meter.Name, Title: c.Meter.Title, Kinds: c.Meter.Kinds, Free: c.Free.String()}
	price := c.UnitPrice.String()
	switch {
	case p.Reported:
		info.Price = "reported, never charged"
		return info
	case c.Model == modelBlocks:
		info.Price = price + " a block of " + c.Block.String()
	case c.Model == modelDaily:
		info.Price = price + " each above the quota of a day"
		if c.Billed == billedDaily {
			info.Price += ", billed daily"
		}
		info.Free += " a day"
	case c.Model == modelFlat:
		info.Price = price + " for any usage above"
	case c.Model == modelGraduated:
		var steps []string
		for _, t := range c.Tiers {
			step := t.UnitPrice.String() + " each"
			if t.UpTo.IsPositive() {
				step += " up to " + t.UpTo.String()
			}
			steps = append(steps, step)
		}
		info.Price = strings.Join(steps, ", then ")
	default:
		info.Price = price + " each"
	}
	if c.Commitment.IsPositive() {
		info.Price += ", at least " + c.Commitment.String()
	}
	return info
}

func (i *Item) describe(p *Plan) ItemInfo {
	info := ItemInfo{Item: i.Name, Title: i.Title, Notes: i.Notes}
	var prices []string
	for _, e := range i.Prices {
		if e.Plan != p.Name {
			continue
		}
		text := e.Price.String() + " a " + i.Per
		switch {
		case e.Agreed:
			text = "by contract, a " + i.Per
		case i.Bought == boughtOnce:
			text = e.Price.String() + ", once"
		}
		if e.Option != 0 {
			text = fmt.Sprintf("%d: %s", e.Option, text)
		}
		prices = append(prices, text)
	}
	info.Price = strings.Join(prices, ", ")
	if i.Promotion != nil {
		info.Price += ", now " + i.Promotion.String()
		if i.PromotedTo != (Date{}) {
			info.Price += " up to and with " + i.PromotedTo.String()
		}
	}
	if i.Paid == paidAhead {
		info.Price += ", paid ahead"
	}
	for _, c := range i.Charges {
		info.Meters = append(info.Meters, c.describe(p))
	}
	return info
}
