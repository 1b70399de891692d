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
	"headcount/rating/ledger"
)

// adopt records the closing, or adopts the one that is recorded.
func (w *work) adopt(ctx context.Context) error {
	if err := w.needLedger(ctx); err != nil {
		return err
	}
	closing, err := w.ledger.Closing(ctx, w.month)
	if err == nil {
		return w.adopted(ctx, closing)
	}
	if !errors.Is(err, ledger.ErrNotFound) {
		return ledgerFailed(err)
	}
	c, err := w.newClosing(ctx)
	if err != nil {
		return err
	}
	stored, adopted, err := w.ledger.Begin(ctx, c)
	if err != nil {
		return ledgerFailed(err)
	}
	if adopted {
		return w.adopted(ctx, stored)
	}
	w.this = w.closedMonth(w.month, stored)
	w.Log.Info("closing begun", "month", w.month, "seal_id", stored.SealID, "partitions", len(stored.Partitions))
	return nil
}

// needLedger makes the ledger where there is none.
func (w *work) needLedger(ctx context.Context) error {
	if w.ledger != nil {
		return nil
	}
	l, err := w.Site.CreateLedger(ctx)
	if errors.Is(err, ledger.ErrExists) { // another first close was quicker
		l, err = w.Site.OpenLedger(ctx)
	}
	if err != nil {
		return ledgerFailed(err)
	}
	w.ledger = l
	return nil
}

// newClosing is what this close would begin: the topic's partitions, after the last closed month, priced as it is configured.
func (w *work) newClosing(ctx context.Context) (none ledger.Closing, _ error) {
	rules, err := rulesOf(ctx, w.state, w.conn.Template, w.month)
	if err != nil {
		return none, err
	}
	id := make([]byte, 16)
	if _, err := io.ReadFull(w.Random, id); err != nil {
		return none, fmt.Errorf("make a seal id: %w", err)
	}
	c := ledger.Closing{
		Month: w.month, SealID: hex.EncodeToString(id), Cluster: w.topic.Cluster, TopicID: w.topic.ID, Topic: w.topic.Name,
		RulesHash: rules.Hash(), Zone: w.Terms.Zone, Version: w.Version, At: w.Clock.Now(),
		Accounts: w.accounts, Books: w.books,
	}
	for _, p := range w.topic.Partitions {
		c.Partitions = append(c.Partitions, p.ID)
	}
	last, ok, err := w.ledger.LastClosed(ctx)
	if err != nil {
		return none, ledgerFailed(err)
	}
	if ok {
		before, err := w.ledger.Closing(ctx, last)
		if err != nil {
			return none, ledgerFailed(err)
		}
		c.Previous = &ledger.Previous{Month: before.Month, Partitions: before.Partitions}
	}
	return c, nil
}

// adopted goes on with the closing that is recorded, where that can be gone on with.
func (w *work) adopted(ctx context.Context, closing ledger.Closing) error {
	if closing.Cluster != w.topic.Cluster {
		return &ForeignTopicError{Month: w.month, What: fmt.Sprintf("the closing of %s was begun on topic id %s of cluster %s, but the configuration leads to %s of %s: point kafka.brokers at the former cluster",
			w.month, closing.TopicID, closing.Cluster, w.topic.ID, w.topic.Cluster)}
	}
	if closing.TopicID != w.topic.ID {
		return w.madeAgain(ctx, closing)
	}
	w.this = w.closedMonth(w.month, closing)
	rules, err := w.this.rules(ctx)
	if err != nil {
		return err
	}
	if rules.Hash() != closing.RulesHash {
		return &RulesChangedError{w.month, closing.RulesHash, rules.Hash(), w.Names.State}
	}
	w.Log.Info("going on with the closing that was begun", "month", w.month, "seal_id", closing.SealID, "begun", closing.At)
	return nil
}

// madeAgain says that the topic is not the one on which the closing was begun, and what it holds where that one was sealed.
func (w *work) madeAgain(ctx context.Context, closing ledger.Closing) error {
	offsets, err := w.conn.Offsets(ctx)
	if err != nil {
		return &UnreachableError{What: "offsets of " + closing.Topic, Err: err, Again: true}
	}
	state := checkpoint.OpenTopic(w.conn.Bucket, closing.Topic, closing.TopicID)
	var was []string
	for _, p := range closing.Partitions {
		index, err := state.Partition(counter.Identity{Cluster: closing.Cluster, TopicID: closing.TopicID, Partition: p}).Index(ctx, w.month)
		if err == nil {
			was = append(was, fmt.Sprintf("partition %d was sealed at offset %d, the topic ends at offset %d there now", p, index.Offset, offsets[p].End))
		}
	}
	return &ForeignTopicError{w.month, true, fmt.Sprintf("topic %s was deleted and made again since the closing of %s was begun: its topic id was %s and is %s (%s): the month cannot be closed from it; restore the brokers' data from a backup, or point kafka.brokers at a cluster that has the former topic",
		closing.Topic, w.month, closing.TopicID, w.topic.ID, some(was))}
}

// some are the first of many.
func some(all []string) string {
	const shown = 8
	if n := len(all) - shown; n > 0 {
		return fmt.Sprintf("%s … and %d more", strings.Join(all[:shown], "; "), n)
	}
	return strings.Join(all, "; ")
}
