package stream

import (
	"time"

	"headcount/events/stream/backoff"
	"headcount/events/stream/wire"
)

// keepLayout follows who leads what, when asked and from time to time.
func (r *Reader) keepLayout() {
	var pause backoff.Pause
	for {
		t, err := r.log.metadata(r.ctx, r.log.config.Topic)
		switch {
		case err == nil:
			r.adopt(t)
		case r.ctx.Err() != nil:
			return
		case !wire.Retriable(err):
			r.mu.Lock()
			for _, p := range r.parts {
				r.failLocked(p, err)
			}
			if wire.IsLost(err) {
				r.err = err
			}
			r.mu.Unlock()
			if wire.IsLost(err) {
				return
			}
		}
		if err != nil {
			r.log.warn("asking for the topic's layout again", err)
			if !pause.Wait(r.ctx) {
				return
			}
			continue
		}
		// Asked again at once, the answer is likely the same: leaders take a moment to be elected.
		if pause.Tries > 0 && !pause.Wait(r.ctx) {
			return
		}
		timer := time.NewTimer(r.log.config.MetadataInterval)
		select {
		case <-r.asks:
			pause.Tries = min(pause.Tries+1, 5)
		case <-timer.C:
			pause.Reset()
		case <-r.ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// adopt starts a loop for each leader that has none, and wakes all.
func (r *Reader) adopt(t *Topic) {
	r.mu.Lock()
	r.topic = t
	for _, p := range t.Partitions {
		if p.Leader >= 0 && r.loops[p.Leader] == nil {
			wake := make(chan struct{}, 1)
			r.loops[p.Leader] = wake
			r.wg.Go(func() { r.loop(p.Leader, wake) })
		}
	}
	r.mu.Unlock()
	r.wake()
}
