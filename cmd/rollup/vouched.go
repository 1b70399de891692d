package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"time"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/site"
	"headcount/counter/checkpoint"
	"headcount/events/stream"
	"headcount/rating/ledger"
	"headcount/rollup/amend"
	"headcount/rollup/closed"
)

// vouched is the log in which a signed record vouches for what is added to the ledger of a closed month.
type vouched struct {
	p     *cli.Program
	conn  *site.Connection
	topic *stream.Topic // nil: it was deleted
	key   ed25519.PrivateKey
}

// holdAgainstLog reaches the log and refuses a ledger that lacks what it says of it: before anything is written.
func holdAgainstLog(ctx context.Context, p *cli.Program, c *config.Config, l *ledger.Ledger, bucket checkpoint.Bucket) (_ *vouched, err error) {
	v := &vouched{p: p}
	if v.conn, err = site.Connect(ctx, c, p.Log); err != nil {
		return nil, err
	}
	if v.topic, err = v.conn.Describe(ctx); errors.Is(err, stream.ErrNoTopic) {
		p.Log.Warn("the topic is gone: the ledger cannot be held against it", "topic", c.Kafka.Topic)
		return v, nil
	}
	if err == nil {
		err = site.CheckPublished(ctx, c, v.conn, v.topic, bucket, l)
	}
	if err != nil {
		v.conn.Close()
		return nil, err
	}
	return v, nil
}

// announces returns what makes the record of an addition; nil, and a warning, where this host cannot sign one.
func (v *vouched) announces(ctx context.Context, c *config.Config, l *ledger.Ledger, m *closed.Month) ed25519.PrivateKey {
	key, err := site.SealKey(c)
	if err == nil {
		err = amend.MayAnnounce(ctx, l, m, key)
	}
	if err != nil {
		v.p.Log.Warn("this gets no record in the log: until the next close vouches for it, a backup from before it is not noticed", "month", m.Month, "error", err)
		return nil
	}
	v.key = key
	return key
}

// send sends the record to the log.
func (v *vouched) send(ctx context.Context, l *ledger.Ledger, m *closed.Month) {
	if v.key == nil || v.topic == nil {
		return
	}
	if err := amend.Announce(ctx, l, m, v.conn, v.topic, time.Now()); err != nil {
		v.p.Log.Warn("this is recorded, but the log does not have its record yet: the next amendment, release or close sends it", "month", m.Month, "error", err)
	}
}
