package stream

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"headcount/events/stream/backoff"

	"github.com/segmentio/kafka-go/protocol"
)

// A broker whose quota is passed answers at once and says how long it will not listen (KIP-219). It does not listen on that
// connection; the Transport has several, so what waits is the kind of request that was throttled, to that broker: a fetch that
// waits does not keep heartbeats from going.

// mostThrottle is how long a broker's word is believed; then it may say so again. Quotas' windows are seconds.
const mostThrottle = 30 * time.Second

type throttled struct {
	node int32
	key  protocol.ApiKey
}

// throttles says until when brokers do not want to be asked. The zero value is ready.
type throttles struct {
	mu    sync.Mutex
	until map[throttled]time.Time
}

// note takes down what an answer said, in milliseconds, and returns how long it holds: most at most.
func (t *throttles) note(node int32, key protocol.ApiKey, ms int32, most time.Duration) time.Duration {
	d := min(time.Duration(ms)*time.Millisecond, most)
	if d <= 0 {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.until == nil {
		t.until = map[throttled]time.Time{}
	}
	t.until[throttled{node, key}] = time.Now().Add(d)
	return d
}

// wait returns when the broker may be asked, or with the context's error.
func (t *throttles) wait(ctx context.Context, node int32, key protocol.ApiKey) error {
	id := throttled{node, key}
	for {
		t.mu.Lock()
		d := time.Until(t.until[id])
		if d <= 0 {
			delete(t.until, id)
		}
		t.mu.Unlock()
		if d <= 0 {
			return nil
		}
		if !backoff.Sleep(ctx, d) {
			return context.Cause(ctx)
		}
	}
}

// throttled is the time in an answer's throttle_time_ms: its first field, but for Produce's last.
func (r *request) throttled() int32 {
	if r.answer != nil {
		return r.throttle
	}
	b := r.whole
	switch {
	case r.key == protocol.ApiVersions || len(b) < 4: // version 0 has none
		return 0
	case r.key == protocol.Produce:
		return int32(binary.BigEndian.Uint32(b[len(b)-4:]))
	}
	return int32(binary.BigEndian.Uint32(b))
}
