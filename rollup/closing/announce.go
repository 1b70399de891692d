package closing

import (
	"context"
	"errors"
	"fmt"

	"headcount/events"
	"headcount/rollup/closed"
)

// announce sends what the outbox holds to the log.
func (b *begun) announce(ctx context.Context) error {
	return b.send(ctx, b.conn, b.this.Closing.Partitions[0])
}

// announceLater is for a month that is closed already: it holds the ledger against the log, and sends what an earlier close left in the
// outbox. An unreachable log is only a warning then: what is stored can be printed all the same.
func (w *work) announceLater(ctx context.Context) error {
	messages, err := w.ledger.Outbox(ctx)
	if err != nil {
		return err
	}
	conn, err := w.Site.Connect(ctx)
	if err != nil {
		what := "the ledger is not held against the log"
		if len(messages) > 0 {
			what += ", and the closed record is not in it yet"
		}
		w.Log.Warn(what+"; run the close again when the broker is up", "month", w.month, "error", err)
		return nil
	}
	defer conn.Close()
	err = w.checkPublished(ctx, conn)
	if _, older := errors.AsType[*closed.OlderLedgerError](err); older {
		return err
	}
	if err != nil {
		w.Log.Warn("the ledger is not held against the log", "month", w.month, "error", err)
	}
	if len(messages) == 0 {
		return nil
	}
	return w.send(ctx, conn, conn.Topic.Partitions[0].ID)
}

func (w *work) send(ctx context.Context, log closed.Producer, partition events.Partition) error {
	if err := closed.SendOutbox(ctx, w.ledger, log, partition, w.Clock.Now()); err != nil {
		return &closed.UnreachableError{What: fmt.Sprintf("month %s is closed and recorded, but the log may not have the closed record yet", w.month), Err: err, Again: true}
	}
	return nil
}
