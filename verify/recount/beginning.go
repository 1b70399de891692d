package recount

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"headcount/verify/chain"
	"headcount/verify/report"
)

// What a month's count takes of the log lies between few seals: its events that were on time before its own seal; what came late of the
// month before, and what was counted by where it lies, behind that month's seal. The seal of a month before those two is a place to begin
// at, if no event of the month, or of a later one, lies before it: later ones are wanted because limits count their devices. That is told
// by the sealed index of that seal, which names the months that had events by then.
//
// What lies before such a place and is needed all the same is the on-time part of the month before: it is taken from its sealed files, and
// held against the digests by which that month was billed.

// Earlier is a closing before the two that a count is about. Seals asks for the offsets of its seals, as its usage has them.
type Earlier struct {
	chain.Closing
	Seals func(ctx context.Context) (map[int32]int64, error)
}

// beginning is the seal from which on a partition is read.
type beginning struct {
	month  Month
	offset int64
	id     string // of the seal, by the ledger's closing
	hash   string // of what was signed, by the sealed index
	file   string // that index
}

// beginnings are where partitions are read from; one that has none is read from offset 0. why says, of those, what forbids to begin later.
type beginnings struct {
	at  map[int32]*beginning
	why map[int32]string
}

// begin finds for each partition the newest place to begin at, behind what losses of log on record took of it.
func (s *Subject) begin(ctx context.Context, losses []*Loss, r *report.Report) beginnings {
	b := beginnings{map[int32]*beginning{}, map[int32]string{}}
	if s.All || s.Before == 0 || s.elsewhere() {
		return b
	}
	ledger := sealsByMonth{}
	for _, id := range s.Closing.Partitions {
		if !s.inFormer(id) {
			continue // all that it has of the month before is late
		}
		for i := range s.Earlier {
			x, why := s.beginAt(ctx, &s.Earlier[i], id, ledger, r)
			if x != nil && slices.ContainsFunc(losses, func(l *Loss) bool { return l.Partition == id && l.To > x.offset }) {
				break
			}
			if x != nil {
				b.at[id] = x
				break
			}
			if why != "" && b.why[id] == "" {
				b.why[id] = why
			}
		}
	}
	return b
}

// beginAt says where a partition can be read from the seal of an earlier closing on; nil: it cannot, and why, if that is worth saying.
func (s *Subject) beginAt(ctx context.Context, c *Earlier, id int32, ledger sealsByMonth, r *report.Report) (*beginning, string) {
	m, ok := ParseMonth(c.Month)
	if !ok || !slices.Contains(c.Partitions, id) || s.book.months[m] == nil {
		return nil, ""
	}
	file := s.indexOf(id, c.Month)
	index, err := readIndex(ctx, s.Files, file)
	if err != nil {
		return nil, fmt.Sprintf("not from the seal of %s on: %s", c.Month, err)
	}
	if index.Open == nil {
		return nil, fmt.Sprintf("not from the seal of %s on: %s is of a release that did not say which months had events by then", c.Month, file)
	}
	x := &beginning{month: m, offset: index.Offset, id: c.SealID, hash: index.SealHash, file: file}
	for _, name := range *index.Open {
		if open, ok := ParseMonth(name); !ok || open >= s.Month {
			return nil, fmt.Sprintf("not from the seal of %s on: by %s, %s had events before it", c.Month, file, Shown(name))
		}
	}
	seals, err := ledger.of(ctx, c)
	if err != nil {
		return nil, fmt.Sprintf("not from the seal of %s on: %s", c.Month, err)
	}
	r.Same("seals", x.offset, seals[id], "%s: offset, by the ledger's usage of %s", file, c.Month)
	return x, ""
}

// sealsByMonth are seals that were asked for.
type sealsByMonth map[string]map[int32]int64

func (a sealsByMonth) of(ctx context.Context, c *Earlier) (map[int32]int64, error) {
	if a[c.Month] == nil {
		seals, err := c.Seals(ctx)
		if err != nil {
			return nil, err
		}
		a[c.Month] = seals
	}
	return a[c.Month], nil
}

func (b *beginnings) offsets() map[int32]int64 {
	from := map[int32]int64{}
	for id, x := range b.at {
		from[id] = x.offset
	}
	return from
}

// remark says what was read, and what was taken from seals.
func (b *beginnings) remark(s *Subject, r *report.Report) {
	if len(b.at) == 0 {
		return
	}
	var all []string
	for _, id := range slices.Sorted(maps.Keys(b.at)) {
		all = append(all, fmt.Sprintf("%d from offset %d (seal of %s)", id, b.at[id].offset, b.at[id].month))
	}
	r.Remark("the log was read behind seals, before which no event of %s lies: partition %s; what %s had on time is taken from its sealed files, which have the digests that it was billed by", s.Month, strings.Join(all, ", "), s.Before)
}

// firstOffset is where the partition is read from.
func (p *partition) firstOffset() int64 {
	if p.from == nil {
		return 0
	}
	return p.from.offset
}

// first takes the first record of a partition that begins at a seal: that seal, and nothing else. It says whether it was.
func (p *partition) first(rec *kgo.Record) bool {
	x := p.from
	p.sealed = x.month
	wrong := func(got string) bool {
		p.r.Wrong("seals", fmt.Sprintf("partition %d, offset %d", p.id, x.offset), fmt.Sprintf("the seal of %s, by %s", x.month, x.file), got)
		return false
	}
	if rec.Offset != x.offset {
		return wrong(fmt.Sprintf("none: the next record is at offset %d", rec.Offset))
	}
	s, sig, err := openSeal(rec.Value)
	switch {
	case err != nil:
		return wrong("no seal: " + err.Error())
	case s.Cluster != p.s.Closing.Cluster || s.TopicID != p.s.Closing.TopicID || s.Partition != p.id || s.Month != x.month.String():
		return wrong(fmt.Sprintf("that of %s, partition %d, of topic id %.64q", Shown(s.Month), s.Partition, s.TopicID))
	case !sig.By(p.s.book.months[x.month].public):
		return wrong("one whose signature does not match the key in the month's rules")
	case s.SealID != x.id || sig.Hash() != x.hash || s.RulesHash != p.s.book.months[x.month].hash:
		return wrong(fmt.Sprintf("another one: seal_id %.64q, %s", s.SealID, sig.Hash()))
	}
	p.r.Count("seals", 1)
	return true
}
