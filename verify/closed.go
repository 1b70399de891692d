package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"

	"headcount/verify/chain"
	"headcount/verify/recount"
	"headcount/verify/report"
)

// closedRecords takes closed records, and keeps the ledger's heads that they publish.
type closedRecords struct {
	month   *closedMonth
	r       *report.Report
	heads   []string
	found   bool              // one of the month itself
	inLog   map[string]bool   // hashes of the month's own that the log has
	ignored map[int32]ignored // by partition
	archive *Archive          // that the ledger is of; nil: none
	vouched string            // a later month whose record is signed with the key that is verified by; empty: none was met
}

// ignored are records of the log that are called closed records and say nothing.
type ignored struct {
	records int
	first   string
}

// takeLogged takes a record that the log has. Whoever may produce records may put any there: one that is not signed by the key of its
// month's rules, or is of another topic, such as a mirror brings, says nothing.
func (c *closedRecords) takeLogged(x *recount.Closed, sig *recount.Signed, partition int32, offset int64) {
	if why := c.unsound(x, sig); why != "" {
		i := c.ignored[partition]
		if i.records++; i.records == 1 {
			i.first = fmt.Sprintf("that of %s at offset %d: %s", recount.Shown(x.Month), offset, why)
		}
		c.ignored[partition] = i
		return
	}
	if x.Month == c.month.name {
		c.inLog[sig.Hash()] = true
	}
	c.take(x, fmt.Sprintf("closed record of %s, partition %d, offset %d", x.Month, partition, offset))
}

// unsound says why a closed record says nothing; empty: it does.
func (c *closedRecords) unsound(x *recount.Closed, sig *recount.Signed) string {
	of, _ := recount.ParseMonth(x.Month)
	switch key := c.month.subject.SealKeyOf(of); {
	case x.Cluster != c.month.subject.Closing.Cluster || x.TopicID != c.month.subject.Closing.TopicID:
		return "it is of another topic"
	case key == nil:
		return "its month has no rules"
	case !sig.By(key):
		return "its signature does not match the key in the month's rules"
	}
	return ""
}

// remark tells of the records that were ignored.
func (c *closedRecords) remark() {
	for _, id := range slices.Sorted(maps.Keys(c.ignored)) {
		i := c.ignored[id]
		c.r.Remark("partition %d has %d closed records that are not valid and change nothing; %s", id, i.records, i.first)
	}
}

// take takes a closed record that is valid.
func (c *closedRecords) take(x *recount.Closed, at string) {
	c.r.Count("closed records", 1)
	c.heads = append(c.heads, x.LedgerHead)
	if of, _ := recount.ParseMonth(x.Month); of > c.month.subject.Month && c.month.subject.IsPresentKey(c.month.subject.SealKeyOf(of)) {
		c.vouched = x.Month
	}
	if x.Month == c.month.name {
		c.compare(x, at)
	}
}

// compare compares a closed record of the month with the ledger.
func (c *closedRecords) compare(x *recount.Closed, at string) {
	m := c.month
	c.r.Same("closed records", x.SealID, m.subject.Closing.SealID, "%s: seal_id, by the ledger's closing", at)
	listed := len(m.stored.Usage)
	if othersOf(&m.stored) != nil {
		listed++
	}
	c.r.Same("closed records", x.Apps, listed, "%s: apps, by the ledger", at)
	c.r.Same("closed records", x.UsageHash, usageHash(&m.stored), "%s: usage_hash, by the digests in the ledger", at)
	if m.amendments == 0 && len(m.stored.Outbox) < 2 {
		c.found = true
		c.r.Same("closed records", x.LedgerHead, m.stored.Head, "%s: ledger_head, by the ledger's result", at)
	} else if x.LedgerHead == m.stored.Head { // else it may be an amendment's or a release's; the walk along the chain looks for its head
		c.found = true
	}
	for _, u := range m.stored.Usage {
		if x.Usage != nil {
			c.r.Same("closed records", u.Digest, x.Usage[u.App], "the ledger's usage of app %s: digest, by the %s", u.App, at)
		}
	}
}

// checkLedger compares the closed records with the ledger, also those that it says it has sent, and walks its chain. It returns the
// heads that were published.
func (c *closedRecords) checkLedger(ctx context.Context, fromLog bool) ([]string, error) {
	found := c.found
	if err := c.announced(ctx); err != nil {
		return c.heads, err
	}
	if c.archive != nil {
		c.archived(c.archive)
	}
	c.replaced()
	place := fmt.Sprintf("partition %d", c.month.subject.Closing.Partitions[0])
	if !fromLog {
		found, place = c.found, "the ledger's outbox"
	}
	if !found {
		c.r.Wrong("closed records", place, "the closed record of "+c.month.name, "none with a valid signature; where the close could not send it, run the close again")
	}
	if fromLog {
		c.furtherLogged(place)
	}
	return c.heads, walkChain(ctx, c.month.ledger, c.heads, c.r)
}

// furtherLogged wants the closed records of amendments and releases in the log, where it is on record that it took them.
func (c *closedRecords) furtherLogged(place string) {
	for _, message := range c.month.stored.Outbox {
		x, sig, err := recount.OpenClosed(message.Value)
		if err != nil || !message.Sent || x.LedgerHead == c.month.stored.Head {
			continue
		}
		if !c.inLog[sig.Hash()] {
			c.r.Wrong("closed records", place, "the closed record of an amendment or release of "+c.month.name+", ledger_head "+x.LedgerHead, "none with a valid signature")
		}
	}
}

// announced takes the closed records that the ledger has sent: of the month, of the newest, and of months that were amended or had a hold lifted. The
// last of them covers all that was before.
func (c *closedRecords) announced(ctx context.Context) error {
	m := c.month
	from := []chain.Result{m.stored}
	newest := ""
	for _, x := range m.months {
		if !x.Closed.IsZero() {
			newest = x.Month
		}
	}
	for _, x := range m.months {
		amendments, err := m.ledger.Amendments(ctx, x.Month)
		if err != nil {
			return inLedger(err)
		}
		if x.Month == m.name || x.Closed.IsZero() {
			continue
		}
		result, err := m.ledger.Result(ctx, x.Month)
		if err != nil {
			return inLedger(err)
		}
		if x.Month != newest && len(amendments) == 0 && len(result.Outbox) < 2 {
			continue
		}
		if closing, err := m.ledger.Closing(ctx, x.Month); err == nil && closing.TopicID == m.subject.Closing.TopicID {
			from = append(from, result)
		}
	}
	for _, result := range from {
		for i, message := range result.Outbox {
			x, sig, err := recount.OpenClosed(message.Value)
			if err != nil {
				c.r.Wrong("closed records", fmt.Sprintf("ledger, message %d of %s", i+1, result.Month), "a closed record", err.Error())
				continue
			}
			at := fmt.Sprintf("closed record of %s, as the ledger has it", x.Month)
			if why := c.unsound(&x, sig); why != "" {
				c.r.Wrong("closed records", at, "a signature by the key in the month's rules", "another: "+why)
				continue
			}
			c.take(&x, at)
		}
	}
	return nil
}

// usageHash is that of the digests in the ledger; those of the apps that are not listed have one together, under no name.
func usageHash(stored *chain.Result) string {
	digests := map[string]string{}
	if x := othersOf(stored); x != nil {
		digests[""] = x.Digest
	}
	for _, u := range stored.Usage {
		digests[u.App] = u.Digest
	}
	return digestsHash(digests)
}

// othersOf are those of a month's usage as it is stored; nil: all are listed.
func othersOf(stored *chain.Result) *others {
	var doc struct {
		Others *others `json:"others"`
	}
	if json.Unmarshal(stored.Document, &doc) != nil { // which is said elsewhere
		return nil
	}
	return doc.Others
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}
