package closed

import (
	"context"
	"errors"
	"slices"
	"testing"

	"headcount/events"
	"headcount/events/stream"
	"headcount/ingest/worker"
	"headcount/rating/ledger"
)

// closings are those of a ledger, by month.
type closings map[events.Month]ledger.Closing

func (c closings) LastClosed(context.Context) (last events.Month, ok bool, err error) {
	for m := range c {
		last = max(last, m)
	}
	return last, len(c) > 0, nil
}

func (c closings) Closing(_ context.Context, m events.Month) (ledger.Closing, error) {
	closing, ok := c[m]
	if !ok {
		return closing, ledger.ErrUnreachable
	}
	return closing, nil
}

func TestTopicRules(t *testing.T) {
	const october = events.Month(2026*12 + 9)
	of := func(topic, hash string, previous events.Month) ledger.Closing {
		c := ledger.Closing{Cluster: "cluster", TopicID: topic, RulesHash: hash}
		if previous != 0 {
			c.Previous = &ledger.Previous{Month: previous}
		}
		return c
	}
	all := closings{october - 1: of("former", "a", 0), october: of("id", "b", october-1), october + 1: of("id", "c", october), october + 2: of("id", "d", october+1)}
	topic := &stream.Topic{ID: "id", Cluster: "cluster"}
	want := []worker.ClosedRules{{Month: october + 2, Hash: "d"}, {Month: october + 1, Hash: "c"}, {Month: october, Hash: "b"}}
	if got, err := TopicRules(t.Context(), all, topic); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	delete(all, october+1)
	if _, err := TopicRules(t.Context(), all, topic); !errors.Is(err, ledger.ErrUnreachable) {
		t.Errorf("a closing that cannot be read: %v", err)
	}
	if got, err := TopicRules(t.Context(), closings{}, topic); err != nil || got != nil {
		t.Errorf("nothing is closed: %v, %v", got, err)
	}
	if got, err := TopicRules(t.Context(), all, &stream.Topic{ID: "id", Cluster: "other"}); err != nil || got != nil {
		t.Errorf("another cluster: %v, %v", got, err)
	}
}
