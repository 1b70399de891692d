package worker

import (
	"context"
	"time"
)

// Clock tells the time to workers and closes, and waits. The Host's is the one they run on; a simulation has one of its own, so
// that all that happens follows from a seed.
//
// Until returns a context that ends at a time, Outlive one that ends some time after ctx does; both are let go of by the
// function that comes with them. Sleep waits and returns nil, or the context's error as soon as ctx ends.
type Clock interface {
	Now() time.Time
	Until(ctx context.Context, at time.Time) (context.Context, context.CancelFunc)
	Outlive(ctx context.Context, after time.Duration) (context.Context, context.CancelFunc)
	Sleep(ctx context.Context, d time.Duration) error
}

// Task is work that goes on beside whoever began it. Wait is called once, and returns what it came to.
type Task interface {
	Ended() bool
	Wait() error
}

// Host is the machine: its clock, and goroutines.
type Host struct{}

// Now implements Clock.
func (Host) Now() time.Time { return time.Now() }

// Until implements Clock.
func (Host) Until(ctx context.Context, at time.Time) (context.Context, context.CancelFunc) {
	return context.WithDeadline(ctx, at)
}

// Outlive implements Clock.
func (Host) Outlive(ctx context.Context, after time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(after, cancel) })
	return longer, func() {
		stop()
		cancel()
	}
}

// Sleep implements Clock.
func (Host) Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// Go begins f in a goroutine.
func (Host) Go(f func() error) Task {
	t := &goroutine{done: make(chan struct{})}
	go func() {
		defer close(t.done)
		t.err = f()
	}()
	return t
}

type goroutine struct {
	done chan struct{}
	err  error
}

func (t *goroutine) Ended() bool {
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}

func (t *goroutine) Wait() error {
	<-t.done
	return t.err
}
