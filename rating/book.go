package rating

import (
	"fmt"

	"github.com/shopspring/decimal"

	"headcount/internal/calendar"
)

// Aggregate is how a meter makes one number of a month.
type Aggregate string

// A meter is one of these.
const (
	Unique    Aggregate = "unique"     // devices or users that did any of the kinds in the month
	PeakDaily Aggregate = "peak_daily" // the day with the most of them
	Counter   Aggregate = "counter"    // a reported quantity: the month is the sum
	Gauge     Aggregate = "gauge"      // a reported quantity: the month is the highest value
)

// Meter is what a plan counts.
type Meter struct {
	Name      string
	Title     string
	Aggregate Aggregate
	Kinds     []string // of Unique and PeakDaily: names of event kinds
	ByDay     bool     // its price needs the days' figures
	Charged   bool     // of MetersOf: the plan in force charges it (or reports it against a quota); else it belongs to an item not in use
}

// The words of a book's rules. Each comment says what the first, the default, means.
const (
	perApp, perAccount         = "app", "account"                     // quota, blocks and rounding of each app alone
	billedMonthly, billedDaily = "monthly", "daily"                   // one bill, of the month
	paidAfter, paidAhead       = "after", "ahead"                     // on the invoice of the month; when bought
	charged, free              = "charged", "free"                    // as any other month
	freeInChangeMonth          = "free_in_change_month"               // free where the version changed in that month
	lastPlan, dearestPlan      = "last", "dearest"                    // the plan in force last in the month
	firstPlan                  = "first"                              //
	keepTerm, refundAndBuy     = "keep_term", "refund_and_buy"        // a change of plan keeps the term; but from a plan that is never charged, it is a purchase
	noRefund, startedDays      = "none", "started_days"               // nothing is paid back
	elapsedDays                = "elapsed_days"                       // as started_days, the day of refund not counted
	nextDay, sameDay           = "next_day", "same_day"               // packages take effect the day after purchase
	earliestExpiry, earliestBy = "earliest_expiry", "earliest_bought" // which resource package is drawn on first
	byDay, byMonth             = "by_day", "by_month"                 // a day's usage draws on what is in force that day
	wholeMonth, shareOfDays    = "whole", "share_of_days"             // no proration
	shareInArrears             = "share_of_days_in_arrears"           //
	reportedWord, billedWord   = "reported", "billed"                 // usage between expiry and suspension is reported only
	sourceFree, sourcePackage  = "free", "package"                    // what covers usage before it is charged
	sourceResource             = "resource_package"                   //
	included, excluded         = "included", "excluded"               // the first day counts
	perMonth, perDay           = "month", "day"                       // an item's price is for a month
	perYear                    = "year"                               //
	boughtMonthly, boughtOnce  = "again", "once"                      // an item paid ahead is bought again when its time is over
	byContract                 = "contract"                           // an item's price: the account's overrides say it
	renewed, refused           = "renewed", "refused"                 // an account in arrears renews all the same
	activationFirst            = "first"                              // only the account's first plan with a fee is activated
	activationEvery            = "every"                              // so is each that follows one without
	modelUnit, modelBlocks     = "per_unit", "blocks"                 // how a charge makes money of usage
	modelGraduated, modelFlat  = "graduated", "flat"                  //
	modelDaily                 = "daily_unit"                         //
	noQuantity, quantityMay    = "", "optional"                       // an item is had once
	quantityMust               = "required"                           //
)

// Rules are the readings a book chooses where there is room for more than one.
type Rules struct {
	QuotaPer          string   // app, account: what quota, blocks and rounding apply to
	PlanOfMonth       string   // last, first: which plan in force in a month decides
	PartialMonth      string   // whole, share_of_days: usage of a plan in force for part of a month
	PartialBlock      string   // charged, free: less than a whole block
	DeductFrom        int      // day of the next month; 0: the source names none
	DeductUntil       int      // day of the next month, that day included; 0 with DeductFrom
	Billed            string   // monthly, daily
	DailyBillWithin   int      // days after the day, where billed daily
	PlanFee           string   // after, ahead
	PlanFeeFirstMonth string   // charged, free: the month in which a plan with a fee is activated
	Activation        string   // first, every: what PlanFeeFirstMonth is about
	SuspendedMonth    string   // charged, free: fees and items of a month in which the service stood still from its first day to its last
	Renewal           string   // renewed, refused: terms and items of an account with a bill past due
	PlanFeeChange     string   // last, dearest: whose fee a month has in which the plan changed
	PlanChange        string   // keep_term, refund_and_buy
	Refund            string   // none, started_days, elapsed_days
	ItemsOnChange     string   // none, started_days: items paid ahead that end with a change of plan
	ChangesPerMonth   int      // configuration changes per item; more is a warning; 0: no limit
	PackageEffect     string   // next_day, same_day
	Draw              string   // by_day, by_month
	DrawOrder         []string // of free, package, resource_package
	ResourceOrder     string   // earliest_expiry, earliest_bought
}

// deducted returns the days on which what a month came to is deducted: the first and the last.
func (r *Rules) deducted(m Month) (from, until string) {
	if r.DeductFrom == 0 {
		return "", ""
	}
	next := m + 1
	return next.Date(calendar.Day(r.DeductFrom)).String(), next.Date(calendar.Day(r.DeductUntil)).String()
}

// Delay is how long after an event a service is suspended. One of its numbers is not 0.
type Delay struct {
	Hours    int    // after the instant
	Whole    int    // days, at the same time of day in the billing zone
	Days     int    // on the day after so many days
	FirstDay string // included, excluded: whether the event's own day is one of Days
}

// Suspension is what becomes of an account that does not pay.
type Suspension struct {
	AfterExpiry *Delay // nil: never
	AfterBill   *Delay // after a bill was pushed and not paid; nil: never
	GraceUsage  string // reported, billed: usage between expiry and suspension
	MonthUsage  string // whole, share_of_days, share_of_days_in_arrears: usage above the quota in a month of suspension
	KeepDays    int    // the day of suspension included; then repossessed
}

// Reminders are sent daily around an expiry.
type Reminders struct {
	DaysBefore int // the day of expiry included
	DaysAfter  int
}

// Book is a vendor's price book.
type Book struct {
	Name       string
	Title      string
	Source     string
	Date       string // of the source: 2024-11-22, or undated
	Currency   string
	Digits     int32 // of the currency's minor unit
	Notes      []string
	Rules      Rules
	Suspension *Suspension // nil: none is described
	Reminders  *Reminders  // nil: none
	Meters     []*Meter
	Plans      []*Plan
	Items      []*Item
	Packages   []*PackageType

	source *Source // of what no contract changes
}

// Plan is what an account is on.
type Plan struct {
	Book     *Book
	Name     string
	Title    string
	Reported bool             // counted and shown, never charged
	Fee      *decimal.Decimal // a month; nil: none in the book
	Term     Term             // unless the account says; 0: until its end
	MinTerm  Term             // 0: any
	MaxTerm  Term             // 0: any
	NoReturn bool             // not to be had after another plan
	Charges  []*Charge
	Limits   []Fact
	Features []string
	Notes    []string
}

// ID is the plan's name in accounts and JSON: book/plan.
func (p *Plan) ID() string { return p.Book.Name + "/" + p.Name }

// sold refuses a term that the plan is not sold for.
func (p *Plan) sold(t Term) error {
	switch {
	case t != 0 && t < p.MinTerm:
		return fmt.Errorf("%s: %s is sold for at least %s", t, p.ID(), p.MinTerm)
	case p.MaxTerm != 0 && t > p.MaxTerm:
		return fmt.Errorf("%s: %s is sold for at most %s", t, p.ID(), p.MaxTerm)
	}
	return nil
}

// Fact is something shown and never enforced.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Charge is the price of a meter's usage.
type Charge struct {
	Meter      *Meter
	Model      string
	Free       decimal.Decimal // a month; of daily_unit, a day
	UnitPrice  decimal.Decimal // a unit, a block, or flat: for any usage above Free
	Block      decimal.Decimal // units in a block
	Tiers      []Tier          // of graduated, over what is above Free
	Commitment decimal.Decimal // the least to be charged
	Billed     string          // daily: as of a book that bills daily; else as its book

	source *Source
}

// Tier is a step of a graduated price.
type Tier struct {
	UpTo      decimal.Decimal // units, inclusive; 0: without end
	UnitPrice decimal.Decimal
}

// Item is a value-added service or a plugin.
type Item struct {
	Name       string
	Title      string
	Paid       string // after, ahead
	Per        string // month, day, year
	Bought     string // again, once: what is paid ahead, when its time is over
	FirstMonth string // charged, free, free_in_change_month: the month it is switched on
	Quantity   string // none, optional, required
	Prices     []ItemPrice
	Promotion  *decimal.Decimal // instead of the price
	PromotedTo Date             // the promotion's last day; zero: no end is known
	Requires   string           // another item, with which it ends
	Charges    []*Charge        // usage that is charged while it is on
	Notes      []string
}

// ItemPrice is an item's price under one plan.
type ItemPrice struct {
	Plan   string
	Option int // 0: the item has no options
	Price  decimal.Decimal
	Agreed bool // there is no price but the contract's
}

// PackageType is something bought once that covers usage.
type PackageType struct {
	Name   string
	Title  string
	Term   Term
	Meter  *Meter // of a resource package: what it is drawn down by
	Covers []Cover
	SizeOf string // the account field that gives the size: mau, or quantity
	Min    int    // of mau
	Max    int
	Notes  []string
}

// Cover is what a package covers of a meter each month.
type Cover struct {
	Meter    *Meter
	Quantity decimal.Decimal
	BySize   bool // the package's own mau instead of Quantity
}

func (b *Book) plan(name string) *Plan {
	return named(b.Plans, name, func(p *Plan) string { return p.Name })
}
func (b *Book) meter(name string) *Meter {
	return named(b.Meters, name, func(m *Meter) string { return m.Name })
}
func (b *Book) item(name string) *Item {
	return named(b.Items, name, func(i *Item) string { return i.Name })
}
func (b *Book) packageType(n string) *PackageType {
	return named(b.Packages, n, func(p *PackageType) string { return p.Name })
}

func named[T any](all []*T, name string, of func(*T) string) *T {
	for _, x := range all {
		if of(x) == name {
			return x
		}
	}
	return nil
}

func names[T any](all []*T, of func(*T) string) []string {
	out := make([]string, len(all))
	for i, x := range all {
		out[i] = of(x)
	}
	return out
}

func (b *Book) itemNames() []string  { return names(b.Items, func(i *Item) string { return i.Name }) }
func (b *Book) meterNames() []string { return names(b.Meters, func(m *Meter) string { return m.Name }) }
func (b *Book) packageNames() []string {
	return names(b.Packages, func(p *PackageType) string { return p.Name })
}

// price returns what the item costs under a plan; nil where the plan does not offer it so.
func (i *Item) price(plan string, option int) *ItemPrice {
	for k := range i.Prices {
		if e := &i.Prices[k]; e.Plan == plan && e.Option == option {
			return e
		}
	}
	return nil
}

// months is what an item paid ahead is bought for.
func (i *Item) months() int {
	if i.Per == perYear {
		return 12
	}
	return 1
}

// promoted returns the price of a promotion that is on; nil: none is.
func (i *Item) promoted(on Date) *decimal.Decimal {
	if i.PromotedTo != (Date{}) && i.PromotedTo.Before(on) {
		return nil
	}
	return i.Promotion
}

// options returns the options a plan offers.
func (i *Item) options(plan string) (out []int) {
	for _, e := range i.Prices {
		if e.Plan == plan {
			out = append(out, e.Option)
		}
	}
	return out
}
