package chain

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// given is a number as the entry has it by which a revision became final.
type given struct {
	Series string  `json:"series"`
	Serial int64   `json:"serial"`
	Number string  `json:"number"`
	Issued string  `json:"issued"`
	Due    *string `json:"due"`
}

// number adds the row of a number; nil: none.
func (r rows) number(e *entry, g *given, month, account string, revision int64) {
	if g != nil {
		r.add(numbers, e, g.Series, g.Serial, g.Number, month, account, revision, g.Issued, orNull(g.Due))
	}
}

// serials are the last numbers of series, along the chain.
type serials map[string]int64

// follow wants each number that an entry gives to be the next of its series: 1, 2, 3 … in the order of the entries, however they are
// padded. A series ends in no digit, so that two numbers alike are of one.
func (s serials) follow(e *entry, given []row) error {
	for _, r := range given {
		series, serial, number := r[2].(string), r[3].(int64), r[4].(string)
		d := &Difference{Seq: e.seq, Kind: e.kind, Table: numbers.name, Row: numbers.describe(r)}
		digits, of := strings.CutPrefix(number, series)
		n, err := strconv.ParseUint(digits, 10, 63)
		switch {
		case serial != s[series]+1:
			d.Column, d.Want, d.Got = "serial", fmt.Sprint(s[series]+1), fmt.Sprint(serial)
		case !of || err != nil || int64(n) != serial || series != "" && strings.ContainsAny(series[len(series)-1:], "0123456789"):
			d.Column, d.Want, d.Got = "number", fmt.Sprintf("%s and then %d", series, serial), number
		default:
			s[series] = serial
			continue
		}
		return d
	}
	return nil
}

// Number is what a final revision is called by.
type Number struct {
	Entry    int64 // that gave it
	Month    string
	Account  string
	Revision int
	Series   string
	Serial   int64
	Number   string
	Issued   string
	Due      string // empty: no terms
	At       string // of the entry
}

// Numbers returns the numbers of a month's revisions.
func (l *Ledger) Numbers(ctx context.Context, month string) (all []Number, err error) {
	err = l.each(ctx, `SELECT x.entry, x.month, x.account, x.revision, x.series, x.serial, x.number, x.issued, coalesce(x.due, ''), e.at FROM numbers x JOIN entries e ON e.seq = x.entry
		WHERE x.month = $1 ORDER BY x.entry`, []any{month}, func(scan func(...any) error) error {
		var n Number
		err := scan(&n.Entry, &n.Month, &n.Account, &n.Revision, &n.Series, &n.Serial, &n.Number, &n.Issued, &n.Due, &n.At)
		all = append(all, n)
		return err
	})
	return all, named(err, "numbers of "+month)
}
