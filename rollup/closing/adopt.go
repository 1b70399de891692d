package closing

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/rating/ledger"
	"headcount/rollup/closed"
)

// adopt records the closing, priced as it is configured, or adopts the one that is recorded.
func (r *reached) adopt(ctx context.Context, prices configured) (*begun, error) {
	if err := r.needLedger(ctx); err != nil {
		return nil, err
	}
	closing, err := r.ledger.Closing(ctx, r.month)
	if err == nil {
		return r.adopted(ctx, closing)
	}
	if !errors.Is(err, ledger.ErrNotFound) {
		return nil, closed.LedgerFailed(err)
	}
	c, err := r.newClosing(ctx, prices)
	if err != nil {
		return nil, err
	}
	stored, adopted, err := r.ledger.Begin(ctx, c)
	if err != nil {
		return nil, closed.LedgerFailed(err)
	}
	if adopted {
		return r.adopted(ctx, stored)
	}
	if other := r.Terms.Limits.Overridden(); len(other) > 0 {
		r.Log.Warn("the invoices are held by other limits than usual; the closing keeps them", "month", r.month, "limits", strings.Join(other, "; "))
	}
	r.Log.Info("closing begun", "month", r.month, "seal_id", stored.SealID, "partitions", len(stored.Partitions))
	return r.begun(ctx, stored)
}

// begun returns the close of a closing that is recorded.
func (r *reached) begun(ctx context.Context, closing ledger.Closing) (*begun, error) {
	b := &begun{reached: r, this: r.closedMonth(r.month, closing)}
	if previous := closing.Previous; previous != nil {
		before, err := r.ledger.Closing(ctx, previous.Month)
		if err != nil {
			return nil, closed.LedgerFailed(err)
		}
		b.before = r.closedMonth(previous.Month, before)
	}
	return b, nil
}

// closedMonth is a month as the close reads it, with the state that it sealed: another than this one's where the topic was made again
// since.
func (r *reached) closedMonth(month events.Month, closing ledger.Closing) *closed.Month {
	state := r.conn.State
	if closing.TopicID != r.conn.Topic.ID {
		state = checkpoint.OpenTopic(r.conn.Bucket, closing.Topic, closing.TopicID)
	}
	return closed.NewMonth(month, closing, r.ledger, state, r.conn.Template)
}

// needLedger makes the ledger where there is none.
func (r *reached) needLedger(ctx context.Context) error {
	if r.ledger != nil {
		return nil
	}
	l, err := r.Site.CreateLedger(ctx)
	if errors.Is(err, ledger.ErrExists) { // another first close was quicker
		l, err = r.Site.OpenLedger(ctx)
	}
	if err != nil {
		return closed.LedgerFailed(err)
	}
	r.ledger = l
	return nil
}

// newClosing is what this close would begin: the topic's partitions, after the last closed month, priced as it is configured.
func (r *reached) newClosing(ctx context.Context, prices configured) (none ledger.Closing, _ error) {
	rules, err := closed.RulesOf(ctx, r.conn.State, r.conn.Template, r.month)
	if err != nil {
		return none, err
	}
	id := make([]byte, 16)
	if _, err := io.ReadFull(r.Random, id); err != nil {
		return none, fmt.Errorf("make a seal id: %w", err)
	}
	c := ledger.Closing{
		Month: r.month, SealID: hex.EncodeToString(id), Cluster: r.conn.Topic.Cluster, TopicID: r.conn.Topic.ID, Topic: r.conn.Topic.Name,
		RulesHash: rules.Hash(), Zone: r.Terms.Zone, Version: r.Version, At: r.Clock.Now(),
		Accounts: prices.accounts, Books: prices.books, Limits: r.Terms.Limits.Document(),
		Issuer: r.Terms.Issuer.Document(),
	}
	for _, p := range r.conn.Topic.Partitions {
		c.Partitions = append(c.Partitions, p.ID)
	}
	last, ok, err := r.ledger.LastClosed(ctx)
	if err != nil {
		return none, closed.LedgerFailed(err)
	}
	if ok {
		before, err := r.ledger.Closing(ctx, last)
		if err != nil {
			return none, closed.LedgerFailed(err)
		}
		c.Previous = &ledger.Previous{Month: before.Month, Partitions: before.Partitions}
	}
	return c, nil
}

// adopted goes on with the closing that is recorded, where that can be gone on with.
func (r *reached) adopted(ctx context.Context, closing ledger.Closing) (*begun, error) {
	if closing.Cluster != r.conn.Topic.Cluster || closing.TopicID != r.conn.Topic.ID {
		return nil, r.foreignTopic(ctx, closing)
	}
	b, err := r.begun(ctx, closing)
	if err != nil {
		return nil, err
	}
	rules, err := b.this.Rules(ctx)
	if err != nil {
		return nil, err
	}
	if rules.Hash() != closing.RulesHash {
		return nil, &RulesChangedError{r.month, closing.RulesHash, rules.Hash(), r.Names.State}
	}
	r.Log.Info("going on with the closing that was begun", "month", r.month, "seal_id", closing.SealID, "begun", closing.At)
	return b, nil
}

// foreignTopic says that the topic is not the one on which the closing was begun, and of one that was made again what it holds where that one
// was sealed.
func (r *reached) foreignTopic(ctx context.Context, closing ledger.Closing) error {
	e := &ForeignTopicError{
		Month: r.month, Topic: closing.Topic,
		Begun: TopicIdentity{closing.Cluster, closing.TopicID}, Reached: TopicIdentity{r.conn.Topic.Cluster, r.conn.Topic.ID},
	}
	if !e.MadeAgain() {
		return e
	}
	offsets, err := r.conn.Offsets(ctx)
	if err != nil {
		return &closed.UnreachableError{What: "offsets of " + closing.Topic, Err: err, Again: true}
	}
	state := checkpoint.OpenTopic(r.conn.Bucket, closing.Topic, closing.TopicID)
	for _, p := range closing.Partitions {
		index, err := state.Partition(counter.Identity{Cluster: closing.Cluster, TopicID: closing.TopicID, Partition: p}).Index(ctx, r.month)
		if err == nil {
			e.Sealed = append(e.Sealed, SealedAt{p, index.Offset, offsets[p].End})
		}
	}
	return e
}
