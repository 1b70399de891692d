package closing

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	"headcount/events"
	"headcount/events/signed"
	"headcount/events/stream"
)

// closedRecord makes the signed record that tells the log what was closed, and where the ledger stands.
func closedRecord(m *ClosedMonth, key ed25519.PrivateKey, digests map[string]string, head string) [][]byte {
	c := signed.Closed{
		Version: signed.ClosedVersion, Cluster: m.Closing.Cluster, TopicID: m.Closing.TopicID, Month: m.Month, SealID: m.Closing.SealID,
		LedgerHead: head,
	}
	c.SetUsage(digests)
	return [][]byte{c.Sign(key)}
}

// announce sends what the outbox holds to the log.
func (w *work) announce(ctx context.Context) error {
	return w.send(ctx, w.this.Closing.Partitions[0])
}

// announceLater sends what an earlier close left in the outbox; an unreachable log is only a warning then: what is stored can
// be printed all the same.
func (w *work) announceLater(ctx context.Context) error {
	messages, err := w.ledger.Outbox(ctx)
	if err != nil || len(messages) == 0 {
		return err
	}
	if err := w.connect(ctx); err != nil {
		w.Log.Warn("the closed record is not in the log yet; run the close again when the broker is up", "month", w.month, "error", err)
		return nil
	}
	return w.send(ctx, w.topic.Partitions[0].ID)
}

func (w *work) send(ctx context.Context, partition events.Partition) error {
	if err := sendOutbox(ctx, w.ledger, w.conn, partition, w.Clock.Now()); err != nil {
		return &UnreachableError{What: fmt.Sprintf("month %s is closed and recorded, but the log may not have the closed record yet", w.month), Err: err, Again: true}
	}
	return nil
}

// sendOutbox sends what the outbox holds to a partition, and marks it.
func sendOutbox(ctx context.Context, l Outbox, log Producer, partition events.Partition, now time.Time) error {
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
