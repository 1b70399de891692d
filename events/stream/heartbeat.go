package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"headcount/events/stream/backoff"
	"headcount/events/stream/wire"
)

// beating sends heartbeats in its own goroutine until the group wants something else of us, or stop.
type beating struct {
	cancel context.CancelFunc
	done   chan struct{}
	end    chan error // holds one
}

func (m *membership) beat() *beating {
	ctx, cancel := context.WithCancel(context.Background())
	b := &beating{cancel: cancel, done: make(chan struct{}), end: make(chan error, 1)}
	own := *m // the coordinator is followed here, apart from what run does
	go func() {
		defer close(b.done)
		c := m.l.config
		every := cmp.Or(c.heartbeat, min(c.SessionTimeout/4, time.Second)) // also how soon we hear of a new member
		told := false
		var pause backoff.Pause
		for wait := every; backoff.Sleep(ctx, wait); {
			wait = every
			err := own.find(ctx)
			if err == nil {
				err = own.heartbeat(ctx)
			}
			switch {
			case err == nil, ctx.Err() != nil:
				pause.Reset()
			case errors.Is(err, errAgain):
				// We stay known while the handler is busy: keep beating.
				if !told {
					told = true
					b.end <- err
				}
			case errors.Is(err, errLeft), wire.CodeOf(err).Class() == wire.Fatal && wire.CodeOf(err) != wire.CodeNone:
				select { // this is worse than what may wait there
				case <-b.end:
				default:
				}
				b.end <- err
				return
			default:
				// The session runs on meanwhile: no waiting for the next beat.
				wait = min(pause.Next(), every)
				own.coordinator = anyBroker
				own.l.warn("heartbeat failed", err, "group", own.l.config.Group)
			}
		}
	}()
	return b
}

// stop ends the heartbeats and waits for that. A nil beating has none.
func (b *beating) stop() {
	if b != nil {
		b.cancel()
		<-b.done
	}
}

// heartbeat tells the coordinator that we are there, and hears whether we still belong.
func (m *membership) heartbeat(ctx context.Context) error {
	// A broker that does not answer must not cost us the session.
	ctx, cancel := context.WithTimeout(ctx, m.l.config.SessionTimeout/2)
	defer cancel()
	var e wire.Encoder
	e.Str(m.l.config.Group)
	e.Int32(m.generation)
	e.Str(m.id)
	e.Nullable(m.l.config.Instance)
	c, err := m.exchange(ctx, protocol.Heartbeat, heartbeatVersion, e.Buf)
	if err != nil {
		return err
	}
	return m.verdict(c, "heartbeat to")
}

// leaveGroup gives our place up.
func (m *membership) leaveGroup(ctx context.Context) error {
	var e wire.Encoder
	e.Str(m.l.config.Group)
	e.Array(1)
	e.Str(m.id)
	e.Nullable("") // a member with a name does not leave
	c, err := m.exchange(ctx, protocol.LeaveGroup, leaveVersion, e.Buf)
	if err != nil {
		return err
	}
	return m.verdict(c, "leave")
}

// exchange asks the coordinator what is answered with a code alone, or with one and what this package does not need.
func (m *membership) exchange(ctx context.Context, key protocol.ApiKey, version int16, body []byte) (wire.Code, error) {
	d, err := m.l.call(ctx, m.coordinator, key, version, body)
	if err != nil {
		return 0, err
	}
	return decodeVerdict(d, key)
}

func decodeVerdict(d *wire.Decoder, key protocol.ApiKey) (wire.Code, error) {
	d.Int32() // throttle
	c := wire.Code(d.Int16())
	if d.Err != nil {
		return 0, fmt.Errorf("%v answer: %w", key, d.Err)
	}
	return c, nil
}
