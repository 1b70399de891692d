package reprice

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Paper is what an account says of itself that stands on its invoices.
type Paper struct {
	Name  string `yaml:"name"`
	Legal *struct {
		Address []string `yaml:"address"`
		TaxID   string   `yaml:"tax_id"`
	} `yaml:"legal"`
	Contact string   `yaml:"contact"`
	PO      string   `yaml:"po"`
	Tags    []string `yaml:"tags"`
	Tax     *struct {
		Rate string `yaml:"rate"`
		Note string `yaml:"note"`
	} `yaml:"tax"`
	Terms string `yaml:"terms"`
}

// Paper returns what an account says of itself; nil where it is not in force.
func (m *Period) Paper(account string) *Paper {
	if view := m.of[account]; view != nil {
		return &view.life.account.Paper
	}
	return nil
}

// Rate is the share of the tax; nil: none is said.
func (p *Paper) Rate() *big.Rat {
	if p.Tax == nil {
		return nil
	}
	if text, percent := strings.CutSuffix(p.Tax.Rate, "%"); percent {
		return share(number(text), 1, 100)
	}
	return number(p.Tax.Rate)
}

// To is all of it that names the account, as one text.
func (p *Paper) To() string {
	var address []string
	taxID := ""
	if p.Legal != nil {
		address, taxID = p.Legal.Address, p.Legal.TaxID
	}
	return To(p.Name, address, taxID, p.Contact, p.PO, p.Tags)
}

// To is whom an invoice is made out to, as one text.
func To(name string, address []string, taxID, contact, po string, tags []string) string {
	return fmt.Sprintf("name %q, address %q, tax id %q, contact %q, po %q, tags %q", name, address, taxID, contact, po, tags)
}

// NetDays reads terms such as net 14; false: there are none.
func NetDays(terms string) (days int, ok bool) {
	text, ok := strings.CutPrefix(terms, "net ")
	days, err := strconv.Atoi(text)
	return days, ok && err == nil
}

// Numbered is a series, and a number of it, by a pattern such as INV-{month}-{n:6}.
func Numbered(pattern, month string, n int64) (series, number string) {
	at := strings.LastIndexByte(pattern, '{')
	if at < 0 || len(month) < 4 {
		return "", ""
	}
	series = strings.ReplaceAll(strings.ReplaceAll(pattern[:at], "{month}", month), "{year}", month[:4])
	digits := strconv.FormatInt(n, 10)
	if _, text, padded := strings.Cut(strings.Trim(pattern[at:], "{}"), ":"); padded {
		for width, _ := strconv.Atoi(text); len(digits) < width; {
			digits = "0" + digits
		}
	}
	return series, series + digits
}
