package closed

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"

	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/signed"
	"headcount/events/stream"
	"headcount/ingest/worker"
)

// Chain tells what a ledger's chain has: a *ledger.Ledger's methods, which say what they promise.
type Chain interface {
	Closings
	Lacks(ctx context.Context, heads []string) ([]string, error)
}

// Published is where a ledger's heads were published: the log of a topic, with its state.
type Published struct {
	Log   worker.Source
	Topic *stream.Topic
	State *checkpoint.Topic
	Key   ed25519.PublicKey                                               // of signed records of months whose rules the state does not have
	Until func(ctx context.Context) (context.Context, context.CancelFunc) // how long the log may take to give a batch; nil: no limit
}

// Check returns an *OlderLedgerError where the log has a signed record of a head that the ledger does not have: it was put back from a
// backup, or written anew, and what was recorded since is not in it. l may be nil: there is no ledger.
//
// It reads the first partition, where the records of closes, amendments and releases go, from the seal of the newest month that the ledger
// has closed: whatever was published before that is in the chain before it. What the log has lost, and what cannot be read, says nothing.
func (p *Published) Check(ctx context.Context, l Chain, name string) error {
	if len(p.Topic.Partitions) == 0 {
		return nil
	}
	first := p.Topic.Partitions[0].ID
	from, err := p.from(ctx, l, first)
	if err != nil {
		return err
	}
	records, err := p.read(ctx, first, from)
	if err != nil || len(records) == 0 {
		return err
	}
	heads := make([]string, len(records))
	for i, r := range records {
		heads[i] = r.LedgerHead
	}
	missing := heads
	if l != nil {
		if missing, err = l.Lacks(ctx, heads); err != nil {
			return LedgerFailed(err)
		}
	}
	for _, r := range records {
		for _, head := range missing {
			if r.LedgerHead == head {
				return &OlderLedgerError{Ledger: name, Topic: p.Topic.Name, Partition: first, Offset: r.offset, Month: r.Month, Head: head}
			}
		}
	}
	return nil
}

// from is the offset of the seal of the newest month that the ledger has closed on this topic; else the partition's first.
func (p *Published) from(ctx context.Context, l Chain, first events.Partition) (events.Offset, error) {
	if l == nil {
		return 0, nil
	}
	last, ok, err := l.LastClosed(ctx)
	if err != nil {
		return 0, LedgerFailed(err)
	}
	if !ok {
		return 0, nil
	}
	index, err := p.State.Partition(counter.Identity{Cluster: p.Topic.Cluster, TopicID: p.Topic.ID, Partition: first}).Index(ctx, last)
	if errors.Is(err, checkpoint.ErrNotSealed) || errors.Is(err, checkpoint.ErrDamaged) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("partition %d: %w", first, err)
	}
	return index.Offset, nil
}

// publication is a closed record and where it lies.
type publication struct {
	*signed.Closed
	offset events.Offset
}

// read returns the closed records of the topic that are signed, from an offset to the partition's end as it is now.
func (p *Published) read(ctx context.Context, id events.Partition, from events.Offset) (all []publication, err error) {
	unreachable := func(err error) error {
		return &UnreachableError{What: fmt.Sprintf("look for the ledger's heads in partition %d of topic %s", id, p.Topic.Name), Err: err}
	}
	o, ok, err := p.Log.PartitionOffsets(ctx, id)
	if err != nil {
		return nil, unreachable(err)
	}
	if from = max(from, o.Start); !ok || from >= o.Stable {
		return nil, nil
	}
	in := p.Log.NewReader(ctx)
	defer in.Close()
	part := in.Open(id, stream.Position{Offset: from, BatchOffset: -1, LeaderEpoch: -1})
	defer part.Close()
	keys := map[events.Month]ed25519.PublicKey{}
	for at := from; at < o.Stable; {
		batch, err := p.next(ctx, part)
		if gone(err) {
			return all, nil
		}
		if err != nil {
			return nil, unreachable(err)
		}
		for _, r := range batch.Records {
			if !bytes.Contains(r.Value, []byte(signed.ClosedType)) {
				continue
			}
			c, signature, err := signed.ParseClosed(r.Value)
			if err != nil || c.Cluster != p.Topic.Cluster || c.TopicID != p.Topic.ID {
				continue
			}
			if _, known := keys[c.Month]; !known {
				keys[c.Month] = p.keyOf(ctx, c.Month)
			}
			if signature.Verify(keys[c.Month]) == nil {
				all = append(all, publication{c, r.Offset})
			}
		}
		at = batch.Next
		batch.Release()
	}
	return all, nil
}

func (p *Published) next(ctx context.Context, part worker.PartitionReader) (*stream.Batch, error) {
	if p.Until != nil {
		var cancel context.CancelFunc
		ctx, cancel = p.Until(ctx)
		defer cancel()
	}
	return part.Next(ctx)
}

// keyOf is the key in the month's rules.
func (p *Published) keyOf(ctx context.Context, m events.Month) ed25519.PublicKey {
	if rules, err := RulesOf(ctx, p.State, nil, m); err == nil {
		if key, err := rules.PublicKey(); err == nil {
			return key
		}
	}
	return p.Key
}

// gone says whether an error is of a log that lacks what was to be read, or has it damaged: who counts says what that means.
func gone(err error) bool {
	_, gap := errors.AsType[*stream.GapError](err)
	_, cut := errors.AsType[*stream.TruncatedError](err)
	_, recreated := errors.AsType[*stream.RecreatedError](err)
	_, corrupt := errors.AsType[*stream.CorruptError](err)
	return gap || cut || recreated || corrupt
}
