package reprice

import (
	"fmt"
	"time"

	"github.com/goccy/go-yaml"
)

type book struct {
	Book     string
	Date     string
	Currency string
	Digits   int `yaml:"minor_digits"`
	Rules    struct {
		QuotaPer    string   `yaml:"quota_per"`
		PlanOfMonth string   `yaml:"plan_of_month"`
		Partial     string   `yaml:"partial_month"`
		Block       string   `yaml:"partial_block"`
		DeductFrom  int      `yaml:"deduct_from_day"`
		DeductUntil int      `yaml:"deduct_until_day"`
		Billed      string   `yaml:"billed"`
		BillWithin  int      `yaml:"daily_bill_within_days"`
		Fee         string   `yaml:"plan_fee"`
		FirstFee    string   `yaml:"plan_fee_first_month"`
		Activation  string   `yaml:"activation"`
		StillMonth  string   `yaml:"suspended_month"`
		Renewal     string   `yaml:"renewal_in_arrears"`
		ChangeFee   string   `yaml:"plan_fee_in_change_month"`
		Change      string   `yaml:"plan_change"`
		Refund      string   `yaml:"refund"`
		ItemRefund  string   `yaml:"items_ended_by_plan_change"`
		Effect      string   `yaml:"package_effect"`
		Draw        string   `yaml:"draw"`
		Order       []string `yaml:"draw_order"`
		Resources   string   `yaml:"resource_package_order"`
	}
	Suspension *struct {
		AfterExpiry *delay `yaml:"after_expiry"`
		AfterBill   *delay `yaml:"after_bill"`
		Grace       string `yaml:"usage_after_expiry"`
		Month       string `yaml:"usage_in_month"`
		Keep        int    `yaml:"keep_days"`
	}
	Meters   map[string]Meter
	Plans    map[string]*plan
	Items    map[string]*item
	Packages map[string]*packageType
}

type delay struct {
	Hours int
	Whole int    `yaml:"days"`
	Days  int    `yaml:"more_than_days"`
	First string `yaml:"first_day"`
}

type plan struct {
	Reported bool
	Fee      string
	Term     string
	Charges  map[string]charge

	id, name string
	book     *book
}

type charge struct {
	Model     string
	Free      string
	UnitPrice string `yaml:"unit_price"`
	Block     string
	Tiers     []struct {
		UpTo      string `yaml:"up_to"`
		UnitPrice string `yaml:"unit_price"`
	}
	Commitment string
	Billed     string
}

type item struct {
	Title      string
	Paid       string
	Per        string
	FirstMonth string `yaml:"first_month"`
	Prices     map[string]string
	Options    map[string]map[string]string
	Promotion  *string
	LastDay    string `yaml:"promotion_last_day"`
	Bought     string
	Requires   string
	Charges    map[string]charge
}

type packageType struct {
	Term   string
	Draws  string
	Covers map[string]string `yaml:"covers_per_month"`
}

type account struct {
	ID        string
	Apps      []string
	Plan      string
	From      string
	Until     string
	Term      string
	Renew     string
	Overrides map[string]string
	Late      string
	Changes   []struct{ At, Plan string }
	Addons    []addon
	Packages  []pack
	Orders    []order
	Bills     []struct{ Month, Pushed, Paid string }
	Cancelled string
	Disabled  string
	Paper     `yaml:",inline"`
}

type addon struct {
	Item, From, Until, Quantity string
	Option                      int
	App                         string
}

type pack struct {
	Item, Bought, Price, Quantity, Remaining, Term, App string
	MAU                                                 int
}

type order struct {
	At, Term              string
	Cash, Credit, Voucher *string
}

// Sheet is what months are priced by: accounts and price books.
type Sheet struct {
	calendar
	plans    map[string]*plan // by id
	accounts []*account
	lives    map[*account]*life
}

// Read reads the files as a closing keeps them.
func Read(books map[string][]byte, accounts []byte, zone *time.Location) (_ *Sheet, err error) {
	defer catch(&err)
	s := &Sheet{calendar: calendar{zone, map[day]time.Time{}}, plans: map[string]*plan{}, lives: map[*account]*life{}}
	for file, text := range books {
		b := &book{}
		if err := yaml.Unmarshal(text, b); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for name, p := range b.Plans {
			if p == nil {
				return nil, fmt.Errorf("%s: plan %s is empty", file, name)
			}
			p.id, p.name, p.book = b.Book+"/"+name, name, b
			s.plans[p.id] = p
		}
		for name, i := range b.Items {
			if i == nil {
				return nil, fmt.Errorf("%s: item %s is empty", file, name)
			}
		}
	}
	if s.accounts, err = readAccounts(accounts); err != nil {
		return nil, err
	}
	for i, a := range s.accounts {
		if a == nil {
			return nil, fmt.Errorf("accounts: account %d is empty", i+1)
		}
		if s.lives[a], err = s.life(a); err != nil {
			return nil, fmt.Errorf("account %s: %w", a.ID, err)
		}
	}
	return s, nil
}
