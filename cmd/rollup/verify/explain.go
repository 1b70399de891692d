package verify

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
)

// Explanation says how a device, or a user of that id, was counted in a month.
type Explanation struct {
	Month      string          `json:"month"`
	App        string          `json:"app"`
	Account    string          `json:"account,omitempty"`
	Counted    bool            `json:"counted"`
	Did        []Did           `json:"did"`
	Late       []Did           `json:"late"`   // in the month that closed next, after this month's seal
	Meters     []string        `json:"meters"` // that it counts for
	Lines      []string        `json:"lines"`  // of the invoice
	LateLines  []string        `json:"late_lines,omitempty"`
	SettledBy  string          `json:"late_settled_by,omitempty"` // the month whose close settled what was late
	First      *FirstRecord    `json:"first_record,omitempty"`
	Partitions map[int32]int64 `json:"seals"` // offset of the seal by partition
	Notes      []string        `json:"notes,omitempty"`
}

// Did is what was done in one partition.
type Did struct {
	Partition int32    `json:"partition"`
	Kind      string   `json:"kind"`
	User      bool     `json:"user,omitempty"` // a user of that id, not a device
	Days      []string `json:"days"`
}

// FirstRecord is the first record in the log that counted.
type FirstRecord struct {
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Time      string `json:"time"` // the record's timestamp
	Late      bool   `json:"late,omitempty"`
}

// Explain looks a GUID up in the sealed files, in any spelling. With find it also looks for its first record in the log.
func Explain(ctx context.Context, c Config, name, guid string, find bool) (*Explanation, error) {
	if guid == "" || len(guid) > 128 || name == "" {
		return nil, fmt.Errorf("app and GUID: want an app and a GUID of 1 to 128 bytes")
	}
	v, err := open(ctx, c)
	if err != nil {
		return nil, err
	}
	defer v.facts.close()
	if v.rules.cipher == nil {
		return nil, fmt.Errorf("the rules of %s name GUID key %s, which is not in the key file: without it no device can be looked up", c.Month, v.rules.KeyID)
	}
	e := &Explanation{Month: c.Month, App: name, Did: []Did{}, Late: []Did{}, Meters: []string{}, Lines: []string{}, Partitions: map[int32]int64{}}
	all, err := v.lookUp(e, name, guid, 0)
	if err != nil {
		return nil, err
	}
	e.Counted = len(e.Did) > 0
	if found := v.prices.accountsOf(name); len(found) > 0 {
		e.Account = found[0]
	}
	if err := v.addAmended(); err != nil {
		return nil, err
	}
	v.counts(e, name, all)
	if err := v.explainLate(e, name, guid); err != nil {
		return nil, err
	}
	if find {
		if err := v.find(e, name, guid); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// addAmended adds the revisions that amendments of the month have made, so that their lines are told too.
func (v *verification) addAmended() error {
	all, err := v.Ledger.Invoices(v.ctx, ledgerMonth(v.Month))
	if err != nil {
		return inLedger(err)
	}
	for _, stored := range all {
		if stored.Revision == 1 || stored.Closing.String() != v.Month {
			continue
		}
		var x invoice
		if err := json.Unmarshal(stored.Document, &x); err != nil {
			return fmt.Errorf("ledger, invoice of %s for %s, revision %d: %w", stored.Account, stored.Month, stored.Revision, err)
		}
		v.prices.invoices = append(v.prices.invoices, x)
	}
	return nil
}

// lookUp reads a section of the sealed files for both fingerprints of an id; it returns the days of each kind.
func (v *verification) lookUp(e *Explanation, name, guid string, section byte) (all [16]uint32, err error) {
	rules := v.rules
	if section == 1 {
		rules = v.book.months[v.before]
	}
	if rules == nil || rules.cipher == nil {
		return all, nil
	}
	device, user := fingerprint(rules.cipher, guid, false), fingerprint(rules.cipher, guid, true)
	files := v.sealedFiles()
	defer func() {
		for _, f := range files {
			f.in.Close()
		}
	}()
	for _, id := range slices.Sorted(maps.Keys(files)) {
		f := files[id]
		if section == 0 {
			e.Partitions[id] = f.Offset
		}
		for {
			a, err := f.r.nextApp()
			if err != nil {
				return all, fmt.Errorf("%s: %w", f.data, err)
			}
			if a == nil || a.section > section {
				break
			}
			if a.section != section || a.app != name {
				continue
			}
			for {
				r, err := f.r.nextRow()
				if err != nil {
					return all, fmt.Errorf("%s: %w", f.data, err)
				}
				if r == nil {
					break
				}
				if r.who != device && r.who != user {
					continue
				}
				for k, days := range r.days {
					if days == 0 || k >= len(rules.Kinds) {
						continue
					}
					d := Did{Partition: id, Kind: rules.Kinds[k], User: r.who == user}
					each(days, func(day int) { d.Days = append(d.Days, fmt.Sprintf("%s-%02d", rules.Month, day)) })
					all[k] |= days
					if section == 0 {
						e.Did = append(e.Did, d)
					} else {
						e.Late = append(e.Late, d)
					}
				}
			}
		}
	}
	for _, d := range v.report.Differences {
		e.Notes = append(e.Notes, d.String())
	}
	return all, nil
}

// counts names the meters that a device counts for, and the invoice's lines that hold them.
func (v *verification) counts(e *Explanation, name string, all [16]uint32) {
	p := v.prices.planIs[e.Account]
	if p == nil {
		e.Notes = append(e.Notes, "nobody is billed for the app")
		return
	}
	for _, m := range slices.Sorted(maps.Keys(p.Charges)) {
		def := p.book.Meters[m]
		did := false
		for k, days := range all {
			did = did || days != 0 && v.setOf(def.Kinds)>>k&1 == 1
		}
		if did {
			e.Meters = append(e.Meters, m)
			e.Lines = append(e.Lines, v.prices.linesOf(e.Account, e.Month, name, m, 1)...)
		}
	}
}

func (p *prices) linesOf(account, month, app, meter string, from int) (lines []string) {
	for _, x := range p.invoices {
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

// explainLate looks into the sealed files of the month that was closed next: they hold what came late of this one.
func (v *verification) explainLate(e *Explanation, name, guid string) error {
	months, err := v.Ledger.Months(v.ctx)
	if err != nil {
		return inLedger(err)
	}
	for i, m := range months {
		if m.Month.String() != v.Month || i+1 == len(months) || months[i+1].Closed.IsZero() {
			continue
		}
		c := v.Config
		c.Month, c.Accounts = months[i+1].Month.String(), nil
		next, err := open(v.ctx, c)
		if err != nil {
			return err
		}
		defer next.facts.close()
		if _, err := next.lookUp(e, name, guid, 1); err != nil {
			return err
		}
		if len(e.Late) == 0 {
			return nil
		}
		e.SettledBy = c.Month
		did := map[string]bool{}
		for _, d := range e.Late {
			did[d.Kind] = true
		}
		if p := v.prices.planIs[e.Account]; p != nil {
			for _, m := range slices.Sorted(maps.Keys(p.Charges)) {
				if slices.ContainsFunc(p.book.Meters[m].Kinds, func(k string) bool { return did[k] }) {
					e.LateLines = append(e.LateLines, next.prices.linesOf(e.Account, e.Month, name, m, 2)...)
				}
			}
		}
		return nil
	}
	e.Notes = append(e.Notes, "the month after is not closed: what came late is not settled yet")
	return nil
}

// find reads the log for the first record that counted, by its timestamp.
func (v *verification) find(e *Explanation, name, guid string) error {
	device, user := fingerprint(v.rules.cipher, guid, false), fingerprint(v.rules.cipher, guid, true)
	var first *reading
	v.watch = func(r *reading, partition int32, offset int64, late bool) {
		if r.month != v.month || r.app != name || r.who != device && r.who != user {
			return
		}
		if f := e.First; f == nil || r.stamp < first.stamp || r.stamp == first.stamp && partition < f.Partition {
			kept := *r
			first = &kept
			e.First = &FirstRecord{Partition: partition, Offset: offset, Time: time.UnixMilli(r.stamp).UTC().Format(time.RFC3339Nano), Late: late}
		}
	}
	return v.readLog()
}
