package stream

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff grows the pause between tries, with jitter so that processes do not move in step. The zero value is ready.
type backoff struct{ tries int }

const (
	firstPause = 20 * time.Millisecond
	maxPause   = 2 * time.Second
)

// next returns how long to wait before the next try.
func (b *backoff) next() time.Duration {
	d := maxPause
	if b.tries < 7 {
		d = firstPause << b.tries
	}
	b.tries++
	return d/2 + rand.N(d/2)
}

func (b *backoff) reset() { b.tries = 0 }

// wait pauses; false: the context ended first.
func (b *backoff) wait(ctx context.Context) bool { return sleep(ctx, b.next()) }

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
