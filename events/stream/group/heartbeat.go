package group

import (
	"context"
	"errors"

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
		c := m.g.config
		every := c.Heartbeat
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
				own.coordinator = AnyBroker
				own.g.cluster.Warn("heartbeat failed", err, "group", own.g.config.Group)
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
	ctx, cancel := context.WithTimeout(ctx, m.g.config.SessionTimeout/2)
	defer cancel()
	var e wire.Encoder
	e.Str(m.g.config.Group)
	e.Int32(m.generation)
	e.Str(m.id)
	e.Nullable(m.g.config.Instance)
	c, err := m.exchange(ctx, protocol.Heartbeat, heartbeatVersion, e.Buf)
	if err != nil {
		return err
	}
	return m.verdict(c, "heartbeat to")
}
