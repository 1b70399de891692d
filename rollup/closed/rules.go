package closed

import (
	"context"

	"headcount/events"
	"headcount/events/stream"
	"headcount/ingest/worker"
	"headcount/rating/ledger"
)

// Closings tell what was closed, without results: a *ledger.Ledger's methods, which say what they promise.
type Closings interface {
	LastClosed(ctx context.Context) (month events.Month, ok bool, err error)
	Closing(ctx context.Context, month events.Month) (ledger.Closing, error)
}

// TopicRules are the rules by which a topic's months were closed, newest first, back to where another topic of the name was closed.
func TopicRules(ctx context.Context, l Closings, topic *stream.Topic) (all []worker.ClosedRules, err error) {
	month, ok, err := l.LastClosed(ctx)
	for ok && err == nil {
		var closing ledger.Closing
		if closing, err = l.Closing(ctx, month); err != nil || closing.TopicID != topic.ID || closing.Cluster != topic.Cluster {
			break
		}
		all = append(all, worker.ClosedRules{Month: month, Hash: closing.RulesHash})
		if ok = closing.Previous != nil; ok {
			month = closing.Previous.Month
		}
	}
	return all, err
}
