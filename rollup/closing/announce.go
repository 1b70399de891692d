package closing

import (
	"context"
	"fmt"

	"headcount/events"
	"headcount/rollup/closed"
)

// announce sends what the outbox holds to the log.
func (b *begun) announce(ctx context.Context) error {
	return b.send(ctx, b.conn, b.this.Closing.Partitions[0])
}

// announceLater sends what an earlier close left in the outbox; an unreachable log is only a warning then: what is stored can
// be printed all the same.
func (w *work) announceLater(ctx context.Context) error {
	messages, err := w.ledger.Outbox(ctx)
	if err != nil || len(messages) == 0 {
		return err
	}
	conn, err := w.Site.Connect(ctx)
	if err != nil {
		w.Log.Warn("the closed record is not in the log yet; run the close again when the broker is up", "month", w.month, "error", err)
		return nil
	}
	defer conn.Close()
	return w.send(ctx, conn, conn.Topic.Partitions[0].ID)
}

func (w *work) send(ctx context.Context, log closed.Producer, partition events.Partition) error {
	if err := closed.SendOutbox(ctx, w.ledger, log, partition, w.Clock.Now()); err != nil {
		return &closed.UnreachableError{What: fmt.Sprintf("month %s is closed and recorded, but the log may not have the closed record yet", w.month), Err: err, Again: true}
	}
	return nil
}
