package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"headcount/verify/chain"
	"headcount/verify/recount"
	"headcount/verify/report"
)

// closedRecords takes closed records, and keeps the ledger's heads that they publish.
type closedRecords struct {
	month *closedMonth
	r     *report.Report
	heads []string
	found bool // one of the month itself
}

// inLog takes a record that the log has.
func (c *closedRecords) inLog(x *recount.Closed, sig *recount.Signed, partition int32, offset int64) {
	c.take(x, sig, fmt.Sprintf("partition %d, offset %d", partition, offset))
}

// take takes a closed record. One that is not signed by the key of its month's rules says nothing.
func (c *closedRecords) take(x *recount.Closed, sig *recount.Signed, place string) {
	m := c.month
	at := fmt.Sprintf("closed record of %s, %s", x.Month, place)
	of, _ := recount.ParseMonth(x.Month)
	key := m.subject.SealKeyOf(of)
	if key == nil || !sig.By(key) || x.Cluster != m.subject.Closing.Cluster || x.TopicID != m.subject.Closing.TopicID {
		c.r.Wrong("closed records", at, "a signature by the key in the month's rules", "another")
		return
	}
	c.r.Count("closed records", 1)
	c.heads = append(c.heads, x.LedgerHead)
	if x.Month == m.name {
		c.compare(x, at)
	}
}

// compare compares a closed record of the month with the ledger.
func (c *closedRecords) compare(x *recount.Closed, at string) {
	m := c.month
	c.r.Same("closed records", x.SealID, m.subject.Closing.SealID, "%s: seal_id, by the ledger's closing", at)
	c.r.Same("closed records", x.Apps, len(m.stored.Usage), "%s: apps, by the ledger", at)
	c.r.Same("closed records", x.UsageHash, usageHash(m.stored.Usage), "%s: usage_hash, by the digests in the ledger", at)
	if m.amendments == 0 {
		c.found = true
		c.r.Same("closed records", x.LedgerHead, m.stored.Head, "%s: ledger_head, by the ledger's result", at)
	} else if x.LedgerHead == m.stored.Head { // else it may be an amendment's; the walk along the chain looks for its head
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
	place := fmt.Sprintf("partition %d", c.month.subject.Closing.Partitions[0])
	if !fromLog {
		found, place = c.found, "the ledger's outbox"
	}
	if !found {
		c.r.Wrong("closed records", place, "the closed record of "+c.month.name, "none with a valid signature; where the close could not send it, run the close again")
	}
	return c.heads, walkChain(ctx, c.month.ledger, c.heads, c.r)
}

// announced takes the closed records that the ledger has sent: of the month, of the newest, and of months that were amended. The
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
		if x.Month == m.name || x.Month != newest && len(amendments) == 0 {
			continue
		}
		result, err := m.ledger.Result(ctx, x.Month)
		if err != nil {
			return inLedger(err)
		}
		if closing, err := m.ledger.Closing(ctx, x.Month); err == nil && closing.TopicID == m.subject.Closing.TopicID {
			from = append(from, result)
		}
	}
	for _, result := range from {
		for i, message := range result.Outbox {
			x, sig, err := recount.OpenClosed(message)
			if err != nil {
				c.r.Wrong("closed records", fmt.Sprintf("ledger, message %d of %s", i+1, result.Month), "a closed record", err.Error())
				continue
			}
			c.take(&x, sig, "as the ledger has it")
		}
	}
	return nil
}

// usageHash is the SHA-256 of the digests in the ledger as canonical JSON: apps in the order of their bytes, nothing escaped but
// what JSON or JavaScript ask for.
func usageHash(usage []chain.Usage) string {
	digests := map[string]string{}
	for _, u := range usage {
		digests[u.App] = u.Digest
	}
	b := []byte{'{'}
	for i, app := range slices.Sorted(maps.Keys(digests)) {
		if i > 0 {
			b = append(b, ',')
		}
		b, _ = jsontext.AppendQuote(b, app)
		b = append(b, ':')
		b, _ = jsontext.AppendQuote(b, digests[app])
	}
	text := strings.NewReplacer("\u2028", `\u2028`, "\u2029", `\u2029`).Replace(string(b) + "}")
	return hashOf([]byte(text))
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}
