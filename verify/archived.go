package verify

import (
	"maps"
	"slices"
	"strings"

	"headcount/verify/recount"
)

// archived takes the signed records that an archive has beside its ledger. What is signed decides: the ledger must have the head that each
// of them names, so that one that was cut before an amendment or a release is found where its record is still there.
func (c *closedRecords) archived(a *Archive) {
	for _, name := range slices.Sorted(maps.Keys(a.entries)) {
		if !strings.HasPrefix(name, "closed/") {
			continue
		}
		at := a.path + ": " + name
		text, err := a.read(name, mostDocument)
		if err != nil {
			c.r.Wrong("closed records", at, "a closed record", err.Error())
			continue
		}
		x, sig, err := recount.OpenClosed(text)
		if err != nil {
			c.r.Wrong("closed records", at, "a closed record", err.Error())
			continue
		}
		if slices.Contains(c.heads, x.LedgerHead) || x.TopicID != c.month.subject.Closing.TopicID { // taken already, or of a former topic, whose keys are not here
			continue
		}
		if why := c.unsound(&x, sig); why != "" {
			c.r.Wrong("closed records", at, "a signature by the key in the month's rules", "another: "+why)
			continue
		}
		c.take(&x, at)
	}
}

// replaced tells of a month that was sealed with another key than the one it is verified by. That key is vouched for where a later month's
// record is signed with this one: its head covers the ledger with the month's closing, which names the rules that name the key.
func (c *closedRecords) replaced() {
	s := c.month.subject
	if !s.OtherKey {
		return
	}
	if c.vouched != "" {
		c.r.Remark("%s was sealed with another key than the public key file's: it was replaced since, and the record of %s, signed with the present one, vouches for the ledger and so for the former", c.month.name, c.vouched)
		return
	}
	s.WrongKey(c.r)
}
