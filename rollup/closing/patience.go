package closing

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A close waits on brokers, readers and its ledger. Whatever it waits for ends with the close's timeout, counted from its begin; what it
// computes, once every partition is sealed, does not.

// saidEvery is how often a close says for what it waits.
const saidEvery = 10 * time.Second

// within returns a context in which a close waits.
func (w *work) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if w.Timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, w.until)
}

// tell says every ten seconds for what the close waits, and since when, until told is called.
func (w *work) tell(what string) (told func()) {
	since := time.Now()
	t := time.NewTicker(saidEvery)
	end := make(chan struct{})
	go func() {
		defer t.Stop()
		for {
			select {
			case <-t.C:
				w.Log.Warn("the close waits", "month", w.month, "for", what, "since", since.Format(time.RFC3339))
			case <-end:
				return
			}
		}
	}()
	return func() { close(end) }
}

// await does a step that waits on others, in a context that is within.
func (w *work) await(ctx context.Context, what string, step func() error) error {
	defer w.tell(what)()
	return w.late(ctx, what, step())
}

// late says of a failed step that the close's timeout ended it, where it did.
func (w *work) late(ctx context.Context, what string, err error) error {
	if _, said := errors.AsType[*TimedOutError](err); err == nil || said || w.Timeout == 0 || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return err
	}
	return &TimedOutError{Month: w.month, Waited: w.Timeout, For: what, Why: fmt.Sprint(err)}
}
