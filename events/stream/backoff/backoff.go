// Package backoff is the pause between two tries of what failed and may go well later.
package backoff

import (
	"context"
	"math/rand/v2"
	"time"
)

// Pause grows from try to try, with jitter so that processes do not move in step: from 20 ms, doubled each time, up to 2 s, of which
// the half at least is waited. The zero value is ready. Not for concurrent use.
type Pause struct {
	Tries int // since the last Reset
}

const (
	firstPause = 20 * time.Millisecond
	maxPause   = 2 * time.Second
)

// Next returns how long to wait before the next try, and counts that try.
func (p *Pause) Next() time.Duration {
	d := maxPause
	if p.Tries < 7 {
		d = firstPause << p.Tries
	}
	p.Tries++
	return d/2 + rand.N(d/2)
}

// Reset begins anew, after a try that went well.
func (p *Pause) Reset() { p.Tries = 0 }

// Wait waits for Next; false: the context ended first.
func (p *Pause) Wait(ctx context.Context) bool { return Sleep(ctx, p.Next()) }

// Sleep waits for d; false: the context ended first.
func Sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
