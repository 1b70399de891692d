// Package site opens what the configuration names: the log (starting the embedded broker where one is configured and none
// runs), the state store, the keys. Its errors carry the exit codes of the commands.
package site

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/counter/checkpoint"
	"headcount/counter/checkpoint/object"
	"headcount/events/identity"
	"headcount/events/stream"
	"headcount/events/stream/broker"
)

// Connection is the log, and the embedded broker where this process runs it.
type Connection struct {
	*stream.Log
	OwnBroker bool // nobody else can be reading
	broker    *broker.Broker
	at, topic string          // the first broker's address; the topic's name
	ctx       context.Context // the command's
	logger    *slog.Logger
}

// Connect reaches the brokers. With an embedded broker configured, one that answers at its address is used; else this process
// starts it, until Close. change is what a command has differently.
func Connect(ctx context.Context, c *config.Config, logger *slog.Logger, change ...func(*stream.Config)) (*Connection, error) {
	conn := &Connection{at: c.Kafka.Brokers[0], topic: c.Kafka.Topic, ctx: ctx, logger: logger}
	if e := c.Kafka.Embedded; e != nil && !answers(c.Kafka.Brokers[0]) {
		b, err := bring(ctx, broker.Config{Addr: c.Kafka.Brokers[0], DataDir: e.DataDir, Expose: bool(e.Expose)})
		if err != nil {
			return nil, cli.Fail(cli.Unreachable, "embedded broker at %s: %w", c.Kafka.Brokers[0], err)
		}
		if b != nil {
			conn.broker, conn.OwnBroker = b, true
			go conn.attend(ctx, c.Kafka.Brokers[0])
		}
	}
	secure, as, err := Security(c)
	if err != nil {
		conn.Close()
		return nil, err
	}
	config := stream.Config{
		Brokers: c.Kafka.Brokers, Topic: c.Kafka.Topic, Group: c.Kafka.Group, Instance: c.Kafka.Instance, Installation: installation(c),
		SessionTimeout: time.Duration(c.Kafka.SessionTimeout), RebalanceTimeout: rebalanceTimeout(c),
		ProducerTime:  !c.Kafka.BrokersTime(),
		MaxBatchBytes: c.Kafka.MaxBatchBytes, MaxBytes: c.Kafka.MaxFetchBytes, TLS: secure, Logger: logger,
	}
	if as != nil {
		config.SASL = mechanism{as}
	}
	for _, f := range change {
		f(&config)
	}
	log, err := stream.Dial(ctx, config)
	if errors.Is(err, stream.ErrRefused) {
		conn.Close()
		return nil, cli.Fail(cli.Unreachable, "%w", err)
	}
	if err != nil {
		conn.Close()
		return nil, cli.Fail(cli.Unreachable, "%w; start a broker (`ingest broker` for the embedded one), or see that kafka.brokers, kafka.tls and kafka.sasl are right", err)
	}
	conn.Log = log
	if c.Kafka.Embedded != nil && !conn.OwnBroker {
		if err := ours(ctx, c, log); err != nil {
			conn.Close()
			return nil, err
		}
	}
	return conn, nil
}

// attend gives the command up where the broker that it brings fails.
func (c *Connection) attend(ctx context.Context, addr string) {
	select {
	case <-c.broker.Failed():
		cli.Abort(ctx, cli.Fail(cli.Unreachable, "embedded broker at %s: %w; mend the disk and start again: all that was acknowledged is there, and what was not is sent again without harm", addr, c.broker.Err()))
	case <-ctx.Done():
	}
}

// rebalanceTimeout is how long the group waits for a member to join again; 0: the default. The embedded broker waits as long for one
// that died between joining and syncing, where Apache Kafka waits for its session.
func rebalanceTimeout(c *config.Config) time.Duration {
	if c.Kafka.Embedded == nil {
		return 0
	}
	return time.Duration(c.Kafka.SessionTimeout)
}

// installation is what all of this installation have in common, and no other: its first GUID key. Empty: this process has no key.
func installation(c *config.Config) string {
	keys, err := identity.LoadKeyring(c.GUIDKeyFile)
	if err != nil {
		return ""
	}
	return keys.IDs()[0]
}

func answers(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// Close ends the connection, and the broker where it is ours.
func (c *Connection) Close() {
	if c.Log != nil {
		c.Log.Close()
	}
	if c.broker != nil {
		c.keep()
		_ = c.broker.Close()
	}
}

// Topic describes the configured topic.
func (c *Connection) Topic(ctx context.Context, cfg *config.Config) (*stream.Topic, error) {
	topic, err := c.Describe(ctx)
	if errors.Is(err, stream.ErrNoTopic) {
		return nil, cli.Fail(cli.Usage, "topic %s does not exist: `ingest init` creates it, kafka.topic names another", cfg.Kafka.Topic)
	}
	if err != nil {
		return nil, cli.Fail(cli.Unreachable, "describe topic %s: %w", cfg.Kafka.Topic, err)
	}
	return topic, nil
}

// patience is how long a command asks an object store again that does not answer.
const patience = 30 * time.Second

// State opens the state store.
func State(ctx context.Context, c *config.Config) (checkpoint.Bucket, error) {
	return openState(ctx, c, object.Config{Patience: patience})
}

// CountingState opens the state store for who counts: while it is away, counting goes on and what is asked of it waits, and logger is
// told. An object store that is not there at the start, or cannot hold the state, is an error all the same.
func CountingState(ctx context.Context, c *config.Config, logger *slog.Logger) (checkpoint.Bucket, error) {
	bucket, err := State(ctx, c)
	if err != nil || !object.Is(c.State.Reveal()) {
		return bucket, err
	}
	if err := Probe(ctx, bucket); err != nil {
		return nil, err
	}
	return openState(ctx, c, object.Config{Logger: logger})
}

// Probe says whether a state store can hold the state, where that must be tried.
func Probe(ctx context.Context, bucket checkpoint.Bucket) error {
	if s, ok := bucket.(*object.Store); ok {
		return s.Probe(ctx)
	}
	return nil
}

func openState(ctx context.Context, c *config.Config, how object.Config) (checkpoint.Bucket, error) {
	var bucket checkpoint.Bucket
	var err error
	if url := c.State.Reveal(); object.Is(url) {
		bucket, err = object.Open(ctx, url, how)
	} else {
		bucket, err = checkpoint.Open(ctx, url)
	}
	if err != nil {
		return nil, cli.Fail(cli.Usage, "state: %w", err)
	}
	return bucket, nil
}
