package verify

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"

	"headcount/verify/chain"
	"headcount/verify/recount"
	"headcount/verify/report"
)

// Explanation says how a device, or a user of that id, was counted in a month.
type Explanation struct {
	Month      string               `json:"month"`
	App        string               `json:"app"`
	Account    string               `json:"account,omitempty"`
	Counted    bool                 `json:"counted"`
	Did        []recount.Did        `json:"did"`
	Late       []recount.Did        `json:"late"`   // in the month that closed next, after this month's seal
	Meters     []string             `json:"meters"` // that it counts for
	Lines      []string             `json:"lines"`  // of the invoice
	LateLines  []string             `json:"late_lines,omitempty"`
	SettledBy  string               `json:"late_settled_by,omitempty"` // the month whose close settled what was late
	First      *recount.FirstRecord `json:"first_record,omitempty"`
	Partitions map[int32]int64      `json:"seals"` // offset of the seal by partition
	Notes      []string             `json:"notes,omitempty"`
}

// Explain looks a GUID up in the sealed files, in any spelling. Where there is a log it also looks for its first record there.
func Explain(ctx context.Context, c Config, app, guid string) (*Explanation, error) {
	if guid == "" || len(guid) > 128 || app == "" {
		return nil, fmt.Errorf("app and GUID: want an app and a GUID of 1 to 128 bytes")
	}
	r := report.New(c.Month)
	m, err := open(ctx, c, r)
	if err != nil {
		return nil, err
	}
	if !m.subject.CanLookUp() {
		return nil, fmt.Errorf("the rules of %s name GUID key %s, which is not in the key file: without it no device can be looked up", c.Month, m.subject.Rules.KeyID)
	}
	found, err := recount.LookUp(ctx, m.subject, app, guid, false, r)
	if err != nil {
		return nil, err
	}
	e := &Explanation{Month: c.Month, App: app, Counted: len(found.Did) > 0, Did: append([]recount.Did{}, found.Did...), Late: []recount.Did{}, Meters: []string{}, Lines: []string{}, Partitions: found.Seals}
	e.note(r)
	if owners := m.prices.accountsOf(app); len(owners) > 0 {
		e.Account = owners[0]
	}
	amended, err := m.amendedInvoices(ctx)
	if err != nil {
		return nil, err
	}
	e.addMeters(m, found.Kinds, slices.Concat(m.prices.invoices, amended))
	if err := e.addLate(ctx, m, c, guid); err != nil {
		return nil, err
	}
	if m.subject.Log != nil {
		e.First, err = recount.Find(ctx, m.subject, app, guid, r)
	}
	return e, err
}

// note tells what differs, as far as it was looked at.
func (e *Explanation) note(r *report.Report) {
	for _, d := range r.Differences {
		e.Notes = append(e.Notes, d.String())
	}
}

// amendedInvoices returns the revisions that amendments of the month have made, so that their lines are told too.
func (m *closedMonth) amendedInvoices(ctx context.Context) (amended []invoice, err error) {
	all, err := m.ledger.Invoices(ctx, m.name)
	if err != nil {
		return nil, inLedger(err)
	}
	for _, stored := range all {
		if stored.Revision == 1 || stored.Closing != m.name {
			continue
		}
		var x invoice
		if err := json.Unmarshal(stored.Document, &x); err != nil {
			return nil, fmt.Errorf("ledger, invoice of %s for %s, revision %d: %w", stored.Account, stored.Month, stored.Revision, err)
		}
		amended = append(amended, x)
	}
	return amended, nil
}

// addMeters names the meters that a device counts for, and the invoices' lines that hold them.
func (e *Explanation) addMeters(m *closedMonth, kinds uint16, invoices []invoice) {
	p := m.prices.planIs[e.Account]
	if p == nil {
		e.Notes = append(e.Notes, "nobody is billed for the app")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(p.charges)) {
		if kinds&m.subject.Rules.Set(p.meters[name].Kinds) != 0 {
			e.Meters = append(e.Meters, name)
			e.Lines = append(e.Lines, linesOf(invoices, e.Account, e.Month, e.App, name, 1)...)
		}
	}
}

// linesOf tells the lines of an account's invoices for a month, from a revision on, that hold a meter of an app.
func linesOf(invoices []invoice, account, month, app, meter string, from int) (lines []string) {
	for _, x := range invoices {
		if x.Account != account || x.Month != month || x.Revision < from {
			continue
		}
		for i, l := range x.Lines {
			if l.Meter == meter && (l.App == app || l.App == "") {
				lines = append(lines, fmt.Sprintf("invoice of %s for %s, revision %d, line %d: %s of %s, %s billable at %s: %s", x.Account, x.Month, x.Revision, i+1, l.Meter, l.Quantity, l.Billable, l.UnitPrice, l.Amount))
			}
		}
	}
	return lines
}

// addLate looks into the sealed files of the month that was closed next: they hold what came late of this one.
func (e *Explanation) addLate(ctx context.Context, m *closedMonth, c Config, guid string) error {
	i := slices.IndexFunc(m.months, func(x chain.MonthState) bool { return x.Month == m.name })
	if i < 0 || i+1 == len(m.months) || m.months[i+1].Closed.IsZero() {
		e.Notes = append(e.Notes, "the month after is not closed: what came late is not settled yet")
		return nil
	}
	c.Month, c.Accounts = m.months[i+1].Month, nil
	r := report.New(c.Month)
	next, err := open(ctx, c, r)
	if err != nil {
		return err
	}
	if next.subject.FormerRules == nil { // it is of another topic
		return nil
	}
	found, err := recount.LookUp(ctx, next.subject, e.App, guid, true, r)
	if err != nil {
		return err
	}
	e.note(r)
	if len(found.Did) == 0 {
		return nil
	}
	e.Late, e.SettledBy = found.Did, c.Month
	p := m.prices.planIs[e.Account]
	if p == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(p.charges)) {
		if found.Kinds&next.subject.FormerRules.Set(p.meters[name].Kinds) != 0 {
			e.LateLines = append(e.LateLines, linesOf(next.prices.invoices, e.Account, e.Month, e.App, name, 2)...)
		}
	}
	return nil
}
