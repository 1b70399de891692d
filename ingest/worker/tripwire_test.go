package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"

	"headcount/events"
)

// silent is a log whose group does not say its offsets.
type silent struct {
	Log
	asked int
}

func (l *silent) Committed(context.Context, events.Partition) (events.Offset, error) {
	l.asked++
	return 0, errors.New("no answer")
}

// Where one worker waited for the group's offset in vain, the next ones do not.
func TestSilentGroup(t *testing.T) {
	l := &silent{}
	cfg := Config{Log: l, Clock: Host{}, mute: &atomic.Int64{}}
	for p := range events.Partition(3) {
		w := &Worker{cfg: cfg, partition: p, log: slog.New(slog.DiscardHandler)}
		if got := w.committed(t.Context()); got != -1 {
			t.Errorf("partition %d: offset %d, want -1", p, got)
		}
	}
	if l.asked != 1 {
		t.Errorf("the group was asked %d times, want once", l.asked)
	}
}
