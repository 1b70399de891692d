package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headcount/counter"
	"headcount/events"
)

const (
	gapKind    = "gap"
	gapVersion = 1
	gapSuffix  = ".gap"
)

// gapRecord is the document that puts an accepted loss of log on record. Its creation is the commit.
type gapRecord struct {
	Cluster   string
	TopicID   string
	Partition events.Partition
	Number    uint64 // in its name too
	Accepted  time.Time
	gap
}

func (r *gapRecord) describe(f *form) {
	f.string(`{"cluster":`, &r.Cluster)
	f.string(`,"topic_id":`, &r.TopicID)
	number(f, `,"partition":`, &r.Partition)
	number(f, `,"number":`, &r.Number)
	f.text(`,"accepted":`, &r.Accepted)
	f.literal(",")
	r.gap.members(f)
}

func (p *Partition) gapName(n uint64) string {
	return fmt.Sprintf("%s/gaps/%d-%d%s", p.topic.folder, p.id.Partition, n, gapSuffix)
}

// Accept puts a loss of log that the operator accepted on record: there it is, for ever, when Accept returns nil. One that is
// there already is not recorded again. Whoever goes on past a loss calls it before it reads anything behind.
func (p *Partition) Accept(ctx context.Context, g counter.Gap, at time.Time) error {
	r := gapRecord{
		Cluster: p.id.Cluster, TopicID: p.id.TopicID, Partition: p.id.Partition, Accepted: at.UTC().Truncate(time.Millisecond),
		gap: gap{g.From, g.To, text(g.Reason)},
	}
	for r.Number = 1; ; r.Number++ {
		doc, err := encodeDocument(gapKind, gapVersion, &r)
		if err != nil {
			return err
		}
		err = createBytes(ctx, p.bucket, p.gapName(r.Number), doc)
		if err == nil {
			return nil
		}
		if !errors.Is(err, ErrExists) {
			return fmt.Errorf("record the accepted loss of %s: %w", p, err)
		}
		there, err := p.gap(ctx, r.Number)
		if err == nil && there.Gap == g {
			return nil
		}
		if err != nil && !errors.Is(err, ErrDamaged) {
			return fmt.Errorf("record the accepted loss of %s: %w", p, err)
		}
	}
}

// Loss is an accepted loss of log, and when it was put on record: what was lost was written before.
type Loss struct {
	counter.Gap
	Accepted time.Time
}

// Losses returns the losses on record, in their order, and what is wrong with records that are damaged: of those it is known only
// that something was lost. A loss is found however old a list the store gives out: records are asked for by name, from number 1
// to the first that is missing.
func (p *Partition) Losses(ctx context.Context) (losses []Loss, damaged []error, err error) {
	for n := uint64(1); ; n++ {
		l, err := p.gap(ctx, n)
		switch {
		case err == nil:
			losses = append(losses, l)
		case errors.Is(err, ErrNotFound):
			return losses, damaged, nil
		case errors.Is(err, ErrDamaged):
			damaged = append(damaged, err)
		default:
			return nil, nil, fmt.Errorf("look for accepted losses of %s: %w", p, err)
		}
	}
}

// Gaps is Losses without the times.
func (p *Partition) Gaps(ctx context.Context) (gaps []counter.Gap, damaged []error, err error) {
	losses, damaged, err := p.Losses(ctx)
	for _, l := range losses {
		gaps = append(gaps, l.Gap)
	}
	return gaps, damaged, err
}

// GapFiles names the records in the bucket.
func (p *Partition) GapFiles(ctx context.Context) (names []string, err error) {
	gaps, damaged, err := p.Gaps(ctx)
	for n := range len(gaps) + len(damaged) {
		names = append(names, p.gapName(uint64(n)+1))
	}
	return names, err
}

// gap reads a record.
func (p *Partition) gap(ctx context.Context, n uint64) (Loss, error) {
	file := p.gapName(n)
	doc, err := readAll(ctx, p.bucket, file, maxDocument)
	if err != nil {
		return Loss{}, err
	}
	var r gapRecord
	if err := decodeDocument(file, doc, gapKind, gapVersion, &r); err != nil {
		return Loss{}, err
	}
	if got := (counter.Identity{Cluster: r.Cluster, TopicID: r.TopicID, Partition: r.Partition}); got != p.id || r.Number != n {
		return Loss{}, damage(file, 0, "it is number %d of %+v, want %d of %+v: was it copied from elsewhere?", r.Number, got, n, p.id)
	}
	return Loss{counter.Gap{From: r.From, To: r.To, Reason: string(r.Reason)}, r.Accepted}, nil
}
