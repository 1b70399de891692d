package verify

import (
	"context"
	"errors"
	"slices"

	"github.com/go-json-experiment/json"

	"headcount/verify/chain"
	"headcount/verify/recount"
	"headcount/verify/report"
)

// findEarlier gives the subject the closings before the two that it is about, newest first, with the offsets of their seals. A month whose
// usage cannot be read is no place to begin at.
func (m *closedMonth) findEarlier(ctx context.Context) error {
	s := m.subject
	for _, c := range slices.Backward(m.earlier) {
		if c.Month >= s.Former.Month || s.Before == 0 {
			continue
		}
		stored, err := m.ledger.Result(ctx, c.Month)
		if errors.Is(err, chain.ErrNotFound) {
			continue
		}
		if err != nil {
			return inLedger(err)
		}
		var doc document
		if json.Unmarshal(stored.Document, &doc, caseless) != nil {
			continue
		}
		seals := map[int32]int64{}
		for _, x := range doc.Sealed {
			seals[x.Partition] = x.Offset
		}
		s.Earlier = append(s.Earlier, recount.Earlier{Closing: c, Seals: seals})
		if len(s.Earlier) == mostEarlier {
			break
		}
	}
	return nil
}

// mostEarlier is how many months back a place to begin is looked for: from the second on only where events came weeks before their time.
const mostEarlier = 4

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
