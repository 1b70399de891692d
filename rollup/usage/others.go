package usage

import (
	"cmp"
	"slices"

	"headcount/internal/canonical"
)

// Others are the apps that nobody is billed for and that a closed month does not list: whoever may send events can invent as many as the
// limits allow. Nothing of them is dropped: they are counted, added up, and their digests are in one.
type Others struct {
	Apps       int    `json:"apps"`
	Events     uint64 `json:"events"`
	Duplicates uint64 `json:"duplicates"`
	Skewed     uint64 `json:"skewed"`
	Expired    uint64 `json:"expired"`
	Rejected   uint64 `json:"rejected"`
	Late       []Late `json:"late"`
	Digest     string `json:"digest"` // DigestOf theirs

	BeforeBooks uint64 `json:"before_books,omitempty"`
	Unknown     uint64 `json:"unknown,omitempty"` // events of types that are not counted
}

// MostUnbilled is how many apps that nobody is billed for a closed month lists: those with the most events, of as many the first by name.
const MostUnbilled = 1000

// DigestOf is the SHA-256 of the canonical JSON of apps' digests, by app.
func DigestOf(digests map[string]string) string {
	return canonical.Hash(canonical.MustMarshal(digests))
}

// Aggregate puts the apps that nobody is billed for, beyond MostUnbilled, into Others. It returns how many those are.
func (d *Document) Aggregate() int {
	var unbilled []*App
	for i := range d.Usage {
		if d.Usage[i].Account == nil {
			unbilled = append(unbilled, &d.Usage[i])
		}
	}
	if len(unbilled) <= MostUnbilled {
		return 0
	}
	slices.SortFunc(unbilled, func(a, b *App) int {
		return cmp.Or(cmp.Compare(b.Events, a.Events), cmp.Compare(a.App, b.App))
	})
	others, digests := &Others{}, map[string]string{}
	for _, a := range unbilled[MostUnbilled:] {
		digests[a.App] = a.Digest
		others.add(a)
	}
	others.Digest = DigestOf(digests)
	d.Usage = slices.DeleteFunc(d.Usage, func(a App) bool {
		_, other := digests[a.App]
		return other
	})
	d.Others = others
	return others.Apps
}

func (o *Others) add(a *App) {
	o.Apps++
	o.Events += a.Events
	o.Duplicates += a.Duplicates
	o.Skewed += a.Skewed
	o.Expired += a.Expired
	o.Rejected += a.Rejected
	o.BeforeBooks += a.BeforeBooks
	o.Unknown += a.Unknowns()
	if o.Late == nil {
		o.Late = make([]Late, len(a.Late))
	}
	for i, l := range a.Late { // all have the same months
		o.Late[i] = Late{l.Month, o.Late[i].Devices + l.Devices, o.Late[i].Users + l.Users}
	}
}
