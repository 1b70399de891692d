package amend

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"headcount/events/stream"
	"headcount/rollup/closed"
)

// MayAnnounce says why a seal key cannot vouch for an amendment in the log: it is not the one that the month was sealed with, or
// the topic was made again since.
func MayAnnounce(ctx context.Context, l Ledger, m *closed.Month, key ed25519.PrivateKey) error {
	rules, err := m.Rules(ctx)
	if err != nil {
		return err
	}
	if public, err := rules.PublicKey(); err != nil || !public.Equal(key.Public()) {
		return errors.New("the month was sealed with another key")
	}
	last, _, err := l.LastClosed(ctx)
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	newest, err := l.Closing(ctx, last)
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	if newest.Cluster != m.Closing.Cluster || newest.TopicID != m.Closing.TopicID {
		return fmt.Errorf("%s was closed on another topic, or another of its name", last)
	}
	return nil
}

// Announce sends the closed records of amendments, and what else is left in the outbox, to the topic that the month was closed on.
func Announce(ctx context.Context, l closed.Outbox, m *closed.Month, log closed.Producer, topic *stream.Topic, now time.Time) error {
	if topic.ID != m.Closing.TopicID || topic.Cluster != m.Closing.Cluster {
		return fmt.Errorf("%s was closed on topic id %s of cluster %s, but the configuration leads to %s of %s", m.Month, m.Closing.TopicID, m.Closing.Cluster, topic.ID, topic.Cluster)
	}
	return closed.SendOutbox(ctx, l, log, m.Closing.Partitions[0], now)
}
