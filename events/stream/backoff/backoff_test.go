package backoff

import (
	"context"
	"testing"
	"time"
)

// TestPause: pauses double up to the longest, stay within their jitter, and begin anew after Reset.
func TestPause(t *testing.T) {
	var p Pause
	for round := range 2 {
		want := firstPause
		for try := range 20 {
			if d := p.Next(); d < want/2 || d >= want {
				t.Errorf("round %d, try %d: %v, want at least half of %v and less than it", round, try, d, want)
			}
			if p.Tries != try+1 {
				t.Errorf("%d tries counted, want %d", p.Tries, try+1)
			}
			if try < 6 {
				want *= 2
			} else {
				want = maxPause
			}
		}
		p.Reset()
	}
}

// TestSleepEndsWithTheContext: also where the time is up at once.
func TestSleepEndsWithTheContext(t *testing.T) {
	if !Sleep(t.Context(), time.Millisecond) {
		t.Error("a sleep that nothing ended says that it was ended")
	}
	ended, end := context.WithCancel(t.Context())
	end()
	for _, d := range []time.Duration{0, time.Hour} {
		if Sleep(ended, d) {
			t.Errorf("%v: the context's end went unnoticed", d)
		}
	}
}
