package site

import (
	"context"
	"time"

	"headcount/cmd/config"
	"headcount/counter/checkpoint"
	"headcount/events/stream"
	"headcount/ingest/worker"
	"headcount/rollup/closed"
)

// logPatience is how long the log may take to give a batch of what it says to have.
const logPatience = 30 * time.Second

// CheckPublished holds a ledger against the signed records that the log has of it; nil: there is no ledger.
func CheckPublished(ctx context.Context, c *config.Config, conn *Connection, topic *stream.Topic, bucket checkpoint.Bucket, l closed.Chain) error {
	key, err := SealPublicKey(c)
	if err != nil {
		return err
	}
	p := closed.Published{
		Log: worker.LogOf(conn.Log), Topic: topic, State: checkpoint.OpenTopic(bucket, topic.Name, topic.ID), Key: key,
		Until: func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, logPatience)
		},
	}
	return p.Check(ctx, l, c.Ledger.String())
}
