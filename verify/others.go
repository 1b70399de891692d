package verify

import (
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// others are the apps that nobody is billed for and that the usage does not list.
type others struct {
	Apps       int    `json:"apps"`
	Events     uint64 `json:"events"`
	Duplicates uint64 `json:"duplicates"`
	Skewed     uint64 `json:"skewed"`
	Expired    uint64 `json:"expired"`
	Rejected   uint64 `json:"rejected"`
	Late       []struct {
		Month   string `json:"month"`
		Devices uint64 `json:"devices"`
		Users   uint64 `json:"users"`
	} `json:"late"`
	Digest      string `json:"digest"`
	BeforeBooks uint64 `json:"before_books"`
	Unknown     uint64 `json:"unknown"`
}

// listedUnbilled is how many of the apps that nobody is billed for the usage lists: those with the most events, of as many the first by name.
const listedUnbilled = 1000

// unlisted returns the apps of the recount that the usage is not to list.
func (c *usageCheck) unlisted() map[string]bool {
	var unbilled []string
	for name, a := range c.n.Apps {
		if c.shown(a) && len(c.m.prices.accountsOf(name)) == 0 {
			unbilled = append(unbilled, name)
		}
	}
	slices.SortFunc(unbilled, func(a, b string) int {
		switch x, y := c.n.Apps[a].Events, c.n.Apps[b].Events; {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return strings.Compare(a, b)
	})
	rest := map[string]bool{}
	for _, name := range unbilled[min(len(unbilled), listedUnbilled):] {
		rest[name] = true
	}
	return rest
}

// others compares what the usage says of the apps that it does not list with what was counted again.
func (c *usageCheck) others(got *others, rest map[string]bool) {
	if got == nil && len(rest) == 0 {
		return
	}
	if got == nil {
		got = &others{}
	}
	// Apps that have nothing but late devices of the month before come last; where those are not counted here, how many cannot be told.
	lateUnknown := c.n.Before == 0 && c.m.subject.Closing.Previous != nil
	var want others
	digests := map[string]string{}
	for name := range rest {
		a := c.n.Apps[name]
		digests[name] = a.Digest
		want.Events += a.Events
		want.Duplicates += a.Repeats
		want.Skewed += a.Skewed
		want.Expired += a.Stretch.Expired + a.Finished
		want.Rejected += a.Stretch.Rejected
		want.BeforeBooks += a.Stretch.BeforeBooks + a.Unopened
		want.Unknown += a.Unknowns()
	}
	same := func(what string, x, y any) { c.r.Same("usage counters", x, y, "apps that are not listed: %s", what) }
	same("events", got.Events, want.Events)
	same("duplicates", got.Duplicates, want.Duplicates)
	same("skewed", got.Skewed, want.Skewed)
	same("expired", got.Expired, want.Expired)
	same("rejected", got.Rejected, want.Rejected)
	same("before the books", got.BeforeBooks, want.BeforeBooks)
	same("unknown types", got.Unknown, want.Unknown)
	if lateUnknown && got.Apps != len(rest) {
		c.r.Remark("%d apps that are not listed: that %d of them have late devices of %s was not checked", got.Apps, got.Apps-len(rest), c.m.subject.Closing.Previous.Month)
		return
	}
	same("apps", got.Apps, len(rest))
	c.r.Same("digests", got.Digest, digestsHash(digests), "apps that are not listed: digest of theirs")
	for _, l := range got.Late {
		devices, users := uint64(0), uint64(0)
		if c.n.Before != 0 && l.Month == c.n.Before.String() {
			for name := range rest {
				devices += c.n.Apps[name].LateNew
				if c.m.limits.FarLimit != nil {
					users += c.n.Apps[name].LateUsers
				}
			}
		}
		if l.Month == c.m.name || !lateUnknown {
			c.r.Same("late", l.Devices, devices, "apps that are not listed: devices of %s", l.Month)
			c.r.Same("late", l.Users, users, "apps that are not listed: users of %s", l.Month)
		}
	}
}

// digestsHash is the SHA-256 of digests by app as canonical JSON: apps in the order of their bytes, nothing escaped but what JSON or
// JavaScript ask for.
func digestsHash(digests map[string]string) string {
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
