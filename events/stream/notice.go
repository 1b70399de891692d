package stream

import (
	"fmt"
	"sync"
	"time"
)

// noticeEvery is how often the same trouble is shown while it lasts.
const noticeEvery = 10 * time.Second

// notices keeps trouble that repeats from filling the log.
type notices struct {
	mu   sync.Mutex
	seen map[string]notice
}

type notice struct {
	at     time.Time
	hidden int
}

// due says whether to show a trouble now, and how many of its like were not shown since the last.
func (n *notices) due(key string, now time.Time) (hidden int, show bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	was, ok := n.seen[key]
	if ok && now.Sub(was.at) < noticeEvery {
		was.hidden++
		n.seen[key] = was
		return 0, false
	}
	if n.seen == nil || len(n.seen) > 1000 {
		n.seen = map[string]notice{}
	}
	n.seen[key] = notice{at: now}
	return was.hidden, true
}

// Troubles is how often since Dial a broker failed, or refused, in a way that is tried again; the first tries, which go well after a
// change of leaders, left out.
func (l *Log) Troubles() uint64 { return l.troubles.Load() }

// warn shows a trouble that is retried, now and then while it lasts.
func (l *Log) warn(what string, err error, args ...any) {
	if err != nil {
		l.troubles.Add(1)
	}
	hidden, show := l.notices.due(what+fmt.Sprint(args...), time.Now())
	if !show {
		return
	}
	args = append([]any{"topic", l.config.Topic}, args...)
	if hidden > 0 {
		args = append(args, "not_shown", hidden)
	}
	if err != nil {
		args = append(args, "error", err)
	}
	l.config.Logger.Warn(what, args...)
}
