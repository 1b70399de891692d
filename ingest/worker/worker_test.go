package worker

import (
	"context"
	"errors"
	"testing"
	"time"

	"headcount/events/stream"
)

// idle is a partition that has nothing to say; begin is called when it is asked.
type idle struct{ begin func() }

func (p idle) Next(ctx context.Context) (*stream.Batch, error) {
	p.begin()
	<-ctx.Done()
	return nil, ctx.Err()
}

func (idle) Close() {}

// What cannot be written ends the counting at once, not at the next checkpoint.
func TestFailureBeside(t *testing.T) {
	failed := errors.New("fsync failed")
	for _, what := range []string{"sealed month", "checkpoint"} {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		w := &Worker{cfg: Config{Interval: time.Hour}.filled(), told: ctx, end: -1}
		err := w.count(ctx, ctx, idle{func() {
			task := w.beside(func() error { return failed })
			if what == "checkpoint" {
				w.saving = task
			} else {
				w.sealing = task
			}
		}})
		if !errors.Is(err, failed) {
			t.Errorf("%s: the counting ends with %v, want %v", what, err, failed)
		}
	}
}
