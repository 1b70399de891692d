package closed

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	"headcount/events"
	"headcount/events/signed"
	"headcount/events/stream"
	"headcount/rating/ledger"
	"headcount/rollup/usage"
)

// Outbox holds what is to be sent to the log until it is marked as sent.
type Outbox interface {
	Outbox(ctx context.Context) ([]ledger.Message, error)
	MarkSent(ctx context.Context, ids ...int64) error
}

// Producer appends to the log.
type Producer interface {
	Produce(ctx context.Context, messages []stream.Message) error
}

// Record makes the signed record that tells the log what was closed, and where the ledger stands: digests of the facts by app, and its head.
func (m *Month) Record(key ed25519.PrivateKey, digests map[string]string, head string) [][]byte {
	c := signed.Closed{
		Version: signed.ClosedVersion, Cluster: m.Closing.Cluster, TopicID: m.Closing.TopicID, Month: m.Month, SealID: m.Closing.SealID,
		LedgerHead: head,
	}
	c.SetUsage(digests)
	return [][]byte{c.Sign(key)}
}

// DigestsOf begins the digests of a month's apps, by app: those that are not listed have one together, under no name.
func DigestsOf(others *usage.Others) map[string]string {
	if others == nil {
		return map[string]string{}
	}
	return map[string]string{"": others.Digest}
}

// SendOutbox sends what the outbox holds to a partition, and marks it.
func SendOutbox(ctx context.Context, l Outbox, log Producer, partition events.Partition, now time.Time) error {
	messages, err := l.Outbox(ctx)
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	for _, m := range messages {
		if err := log.Produce(ctx, []stream.Message{{Partition: partition, Value: m.Value, Time: now}}); err != nil {
			return err
		}
		if err := l.MarkSent(ctx, m.ID); err != nil {
			return fmt.Errorf("ledger: %w", err)
		}
	}
	return nil
}
