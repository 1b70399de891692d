package collect

import (
	"sync"
	"time"

	"headcount/ingest/collect/keyring"
)

// rates are what keys may send. What a key has not used gathers up to ten seconds' worth.
type rates struct {
	mu sync.Mutex
	by map[string]*bucket
}

type bucket struct {
	credit float64 // events; below none: what was let through ahead
	at     time.Time
}

const gathers = 10 * time.Second

// take lets n events of a key through, or says how long to wait. A request of more than gathers goes through where the key has not sent for
// that long, and its successors wait the longer.
func (r *rates) take(k *keyring.Key, n int, now time.Time) (wait time.Duration) {
	if k == nil || k.Rate == 0 || n == 0 {
		return 0
	}
	most := float64(k.Rate) * gathers.Seconds()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.by == nil {
		r.by = map[string]*bucket{}
	}
	b := r.by[k.ID]
	if b == nil {
		b = &bucket{credit: most, at: now}
		r.by[k.ID] = b
	}
	b.credit = min(most, b.credit+now.Sub(b.at).Seconds()*float64(k.Rate))
	b.at = now
	if need := min(float64(n), most); b.credit < need {
		return max(time.Second, time.Duration((need-b.credit)/float64(k.Rate)*float64(time.Second)))
	}
	b.credit -= float64(n)
	return 0
}
