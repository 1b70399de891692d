package object

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"headcount/counter/checkpoint"
)

// Times of a request. A store answers within tens of milliseconds; past these it is asked again.
const (
	request     = 30 * time.Second // for the answer to one request
	slowest     = 256 << 10        // bytes a second that are waited for
	stalled     = 2 * time.Minute  // without a byte taken
	firstPause  = 50 * time.Millisecond
	longestWait = 10 * time.Second
	unbounded   = time.Duration(0)
)

// forBytes is how long so many bytes may take.
func forBytes(n int64) time.Duration { return time.Duration(n) * time.Second / slowest }

// UnreachableError says that a store did not answer, or not as it should, for as long as was waited.
type UnreachableError struct {
	Store, What string
	Tries       int
	Err         error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("%s in %s: after %d tries: %v", e.What, e.Store, e.Tries, e.Err)
}
func (e *UnreachableError) Unwrap() error { return e.Err }

// RefusedError says that a store refuses what is asked: its bucket is not there, or this user may not.
type RefusedError struct {
	Store, What string
	Err         error
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s in %s: refused: %v; see that the bucket exists, that its region is right, and that these credentials may read, write, list and delete under the prefix", e.What, e.Store, e.Err)
}
func (e *RefusedError) Unwrap() error { return e.Err }

// try does what is asked until it is done, or cannot be. An attempt may take most; unbounded: it sees to that itself.
func (s *Store) try(ctx context.Context, what string, most time.Duration, do func(context.Context) error) error {
	began, pause := time.Now(), firstPause
	for tries := 1; ; tries++ {
		if err := ctx.Err(); err != nil {
			return s.describe(what, err)
		}
		err := s.attempt(ctx, most, do)
		if err == nil {
			s.away.answered(s)
			return nil
		}
		if errors.Is(err, checkpoint.ErrExists) || errors.Is(err, checkpoint.ErrNotFound) {
			s.away.answered(s)
			return err
		}
		if own, ok := errors.AsType[*finalError](err); ok {
			return own.error
		}
		if ctx.Err() != nil {
			return s.describe(what, errors.Join(ctx.Err(), err))
		}
		if s.config.Patience > 0 {
			if s.judge(err) == refused {
				return &RefusedError{s.url, what, err}
			}
			if time.Since(began)+pause > s.config.Patience {
				return &UnreachableError{s.url, what, tries, err}
			}
		}
		s.away.silent(s, what, err)
		select {
		case <-ctx.Done():
		case <-time.After(pause/2 + rand.N(pause)): // half to one and a half: those who failed together do not come back together
		}
		pause = min(2*pause, longestWait)
	}
}

func (s *Store) attempt(ctx context.Context, most time.Duration, do func(context.Context) error) error {
	if most > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, most)
		defer cancel()
	}
	return do(ctx)
}

// away is since when a store does not answer.
type away struct {
	mu    sync.Mutex
	since time.Time // of the first failure since the last success; zero: it answers
	said  time.Time
}

// A store that fails for less is only slow.
const unnoticed = 2 * time.Second

func (a *away) silent(s *Store, what string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	if a.since.IsZero() {
		a.since = now
	}
	if now.Sub(a.since) < unnoticed || now.Sub(a.said) < longestWait || s.config.Logger == nil {
		return
	}
	a.said = now
	s.config.Logger.Warn("the state store does not answer: what is asked of it is tried again", "store", s.url, "since", a.since.UTC().Format(time.RFC3339), "asked", what, "error", err)
}

func (a *away) answered(s *Store) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.said.IsZero() && s.config.Logger != nil {
		s.config.Logger.Info("the state store answers again", "store", s.url, "away", time.Since(a.since).Round(time.Second).String())
	}
	a.since, a.said = time.Time{}, time.Time{}
}

// Away says since when the store has not answered; zero: it answers.
func (s *Store) Away() time.Time {
	s.away.mu.Lock()
	defer s.away.mu.Unlock()
	return s.away.since
}

// stall ends a context when nothing moves.
type stall struct {
	timer *time.Timer
	end   context.CancelFunc
}

func watch(ctx context.Context) (context.Context, *stall) {
	ctx, cancel := context.WithCancel(ctx)
	return ctx, &stall{time.AfterFunc(stalled, cancel), cancel}
}

func (s *stall) moved() { s.timer.Reset(stalled) }

func (s *stall) stop() {
	s.timer.Stop()
	s.end()
}
