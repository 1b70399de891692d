package closing

import (
	"context"
	"errors"
	"testing"
	"time"

	"headcount/events"
)

// A broker that goes away between the closing's row and its seals ends the close with its timeout; the next goes on from there.
func TestEveryWaitEnds(t *testing.T) {
	for _, what := range []string{"OpenLedger", "Connect", "Offsets", "Produce"} {
		s := newTestSite(t)
		s.octoberEvents()
		s.ledger, s.folder = openEmpty(t.Context(), t)
		s.hang = what
		c := s.closer(october)
		c.Timeout = 30 * time.Millisecond
		began := time.Now()
		_, err := c.Close(t.Context(), october)
		if e, ok := errors.AsType[*TimedOutError](err); !ok || e.Waited != c.Timeout {
			t.Errorf("%s hangs: %T %v", what, err, err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s hangs: the close took %s", what, took)
		}
		s.hang = ""
		s.mustClose(october)
	}
}

// What a stranger in the group has is counted by the close.
func TestStrangerInTheGroup(t *testing.T) {
	s := newTestSite(t)
	s.octoberEvents()
	s.group, s.owners = "readers", map[events.Partition]string{0: "theirs", 1: "theirs"}
	s.slept = func(context.Context) error {
		if s.naps > 2 {
			return errors.New("it waits for a stranger")
		}
		return nil
	}
	s.strangers = map[string]string{"theirs": "which is another program"}
	s.mustClose(october)
}

// hangs does not return before its context ends, where the call is the one that hangs.
func (s *testSite) hangs(ctx context.Context, what string) error {
	if s.hang != what {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}
