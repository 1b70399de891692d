package verify

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"

	"headcount/verify/recount"
	"headcount/verify/report"
)

// findEarlier gives the subject the closings before the two that it is about, newest first.
func (m *closedMonth) findEarlier() {
	s := m.subject
	for _, c := range slices.Backward(m.earlier) {
		if s.Before == 0 || c.Month >= s.Former.Month || len(s.Earlier) == mostEarlier {
			continue
		}
		s.Earlier = append(s.Earlier, recount.Earlier{Closing: c, Seals: func(ctx context.Context) (map[int32]int64, error) { return m.sealsOf(ctx, c.Month) }})
	}
}

// mostEarlier is how many months back a place to begin is looked for: from the second on only where events came weeks before their time.
const mostEarlier = 4

// sealsOf are the offsets of a month's seals, as its usage in the ledger has them.
func (m *closedMonth) sealsOf(ctx context.Context, month string) (map[int32]int64, error) {
	stored, err := m.ledger.Result(ctx, month)
	if err != nil {
		return nil, fmt.Errorf("ledger, result of %s: %w", month, err)
	}
	var doc document
	if err := json.Unmarshal(stored.Document, &doc, caseless); err != nil {
		return nil, fmt.Errorf("ledger, result of %s: %w", month, err)
	}
	seals := map[int32]int64{}
	for _, x := range doc.Sealed {
		seals[x.Partition] = x.Offset
	}
	return seals, nil
}

// checkFormer holds the month before, where its sealed files were read in place of the log, against the digests that it was billed by.
func checkFormer(ctx context.Context, m *closedMonth, n *recount.Numbers, r *report.Report) error {
	if n.FormerDigest("") == "" {
		return nil
	}
	stored, err := m.ledger.Result(ctx, m.subject.Former.Month)
	if err != nil {
		return inLedger(err)
	}
	for _, u := range stored.Usage {
		r.Same("digests of the month before", u.Digest, n.FormerDigest(u.App), "the ledger's usage of %s, app %s: digest, by its sealed files", stored.Month, u.App)
	}
	return nil
}
