package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"headcount/events"
	"headcount/events/stream/backoff"
	"headcount/events/stream/group"
	"headcount/events/stream/wire"
)

// Log is a topic, seen from a client. Safe for concurrent use.
type Log struct {
	config    Config
	transport *kafka.Transport
	addr      net.Addr

	mu        sync.Mutex
	offered   map[int32]map[protocol.ApiKey]versionRange
	topics    map[string]*Topic // as last seen
	pinned    topicID           // of the topic, as first seen
	goneSince time.Time         // brokers say that there is no such topic, which was seen; zero: they do not
	lanes     map[topicPartition]*lane
	slots     map[int32]chan struct{} // by broker

	group    *group.Group
	verified map[events.Partition]verified // by partition, until a reader begins there

	producer  producer
	notices   notices
	troubles  atomic.Uint64
	throttles throttles
}

// Dial reaches a broker and returns the log. It tries for Config.DialTimeout; then the error is ErrUnreachable. The topic need not
// exist yet.
func Dial(ctx context.Context, c Config) (*Log, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.filled()
	return reach(ctx, c, c.transport(), c.heartbeat())
}

// reach is Dial by a transport; a member of the group sends heartbeats that far apart.
func reach(ctx context.Context, c Config, transport *kafka.Transport, heartbeat time.Duration) (*Log, error) {
	l := &Log{
		config:    c,
		addr:      kafka.TCP(c.Brokers...),
		transport: transport,
		offered:   map[int32]map[protocol.ApiKey]versionRange{},
		topics:    map[string]*Topic{},
		lanes:     map[topicPartition]*lane{},
		slots:     map[int32]chan struct{}{},

		verified: map[events.Partition]verified{},
	}
	l.group = l.membership(heartbeat)
	within, cancel := context.WithTimeout(ctx, c.DialTimeout)
	defer cancel()
	var pause backoff.Pause
	for {
		_, err := l.version(within, anyBroker, protocol.Metadata, metadataVersions...)
		if err == nil {
			return l, nil
		}
		if e := wire.CodeOf(err); e == wire.CodeUnsupported || e.Class() == wire.Fatal && e != wire.CodeNone {
			l.Close()
			return nil, err
		}
		if why := refusedConnection(err); why != "" {
			l.Close()
			return nil, &RefusedError{l.addr.String(), why, err}
		}
		if !pause.Wait(within) {
			l.Close()
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			return nil, fmt.Errorf("%w: no answer from %v within %v: %w", ErrUnreachable, l.addr, c.DialTimeout, err)
		}
	}
}

// transport makes the connections of a filled Config.
func (c *Config) transport() *kafka.Transport {
	t := &kafka.Transport{
		ClientID:    c.ClientID,
		DialTimeout: min(c.DialTimeout, c.RequestTimeout),
		// The Transport asks for no topic but these. They need not exist.
		MetadataTopics: []string{c.Topic},
		SASL:           c.SASL,
	}
	if c.TLS != nil {
		t.TLS = c.TLS.Clone()
	}
	return t
}

// heartbeat is how far apart a filled Config has a member's heartbeats, which is also how soon it hears of a new member.
func (c *Config) heartbeat() time.Duration { return min(c.SessionTimeout/4, time.Second) }

// refusedConnection says what is wrong where no connection is made for a reason that stays; empty: it may go well later.
func refusedConnection(err error) Refusal {
	if e, ok := errors.AsType[kafka.Error](err); ok {
		switch e {
		case kafka.SASLAuthenticationFailed:
			return WrongPassword
		case kafka.UnsupportedSASLMechanism:
			return UnknownMechanism
		}
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return UntrustedBroker
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return NoTLS
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "remote error" { // an alert of TLS
		return TLSEnded
	}
	return ""
}

// Close closes the connections. Readers and Assign end by their contexts.
func (l *Log) Close() { l.transport.CloseIdleConnections() }

// persist does f until it succeeds, fails for good, or the context ends. What is retried is shown.
func (l *Log) persist(ctx context.Context, what string, f func(context.Context) error) error {
	var pause backoff.Pause
	for {
		err := f(ctx)
		if err == nil || !wire.Retriable(err) {
			return err
		}
		if ctx.Err() != nil {
			return err
		}
		if pause.Tries > 1 {
			l.warn("retrying: "+what, err)
		}
		if !pause.Wait(ctx) {
			return errors.Join(context.Cause(ctx), err)
		}
	}
}
