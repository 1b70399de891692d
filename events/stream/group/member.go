package group

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"headcount/events"
	"headcount/events/stream/backoff"
	"headcount/events/stream/wire"
)

// membership is our place in the group.
type membership struct {
	g           *Group
	coordinator int32 // AnyBroker: to be found
	id          string
	generation  int32
	partitions  int32              // that the topic has, as we told the group
	owned       []events.Partition // that the handler has
}

// errLeft says that the group has forgotten us: what we owned may be given to others already.
var errLeft = errors.New("the group no longer knows this member")

// errAgain says that the group shares out anew, and waits for us to join.
var errAgain = errors.New("the group shares out anew")

// run joins, shares and beats until the context ends or an error is final. At its end the handler has nothing.
func (m *membership) run(ctx context.Context, h Handler) error {
	revoke := func(lost []events.Partition) {
		if len(lost) > 0 {
			m.owned = without(m.owned, lost)
			h.Revoked(lost)
		}
	}
	// Heartbeats go on while the handler stops its workers, also at the end; only then do they stop.
	var beats *beating
	defer func() {
		revoke(m.owned)
		beats.stop()
	}()
	var pause backoff.Pause
	for {
		// While we join, the coordinator counts on the join, not on heartbeats.
		beats.stop()
		beats = nil
		assigned, err := m.join(ctx)
		if err == nil {
			pause.Reset()
			beats = m.beat()
			m.g.setMember(m)
			m.g.config.Logger.Info("in the group", "group", m.g.config.Group, "member", cmp.Or(m.g.config.Instance, m.id),
				"generation", m.generation, "partitions", fmt.Sprint(assigned))
			lost := without(m.owned, assigned)
			gained := without(assigned, m.owned)
			revoke(lost)
			if len(gained) > 0 && ctx.Err() == nil {
				m.owned = slices.Sorted(slices.Values(append(m.owned, gained...)))
				h.Assigned(gained)
			}
			if len(lost) > 0 {
				continue // the group waits for our word that they are free
			}
			err = m.stay(ctx, beats)
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, errAgain):
		case errors.Is(err, errLeft):
			m.g.config.Logger.Warn("left out of the group; joining anew", "group", m.g.config.Group, "member", m.id, "error", err)
			m.g.setMember(nil)
			m.id, m.generation = "", -1
			revoke(m.owned)
		case wire.CodeOf(err) == wire.CodeFencedInstance:
			return &FencedError{Group: m.g.config.Group, Instance: m.g.config.Instance}
		case !wire.Retriable(err):
			return fmt.Errorf("group %s: %w", m.g.config.Group, err)
		default:
			m.coordinator = AnyBroker
			if pause.Tries > 2 {
				m.g.cluster.Warn("joining the group again", err, "group", m.g.config.Group)
			}
			pause.Wait(ctx)
		}
	}
}

// stay waits, a member in good standing, for what ends that: errAgain, errLeft, or a final error.
func (m *membership) stay(ctx context.Context, b *beating) error {
	growth := time.NewTicker(m.g.config.MetadataInterval)
	defer growth.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-b.end:
			return err
		case <-growth.C:
			n, err := m.g.cluster.Partitions(ctx)
			if err == nil && n != m.partitions {
				return errAgain
			}
			if err != nil && wire.IsLost(err) {
				return err
			}
		}
	}
}

// verdict makes a group code what it means for our membership.
func (m *membership) verdict(c wire.Code, op string) error {
	err := wire.Refusal(c, op, "group "+m.g.config.Group, "")
	switch c {
	case wire.CodeRebalance:
		return errAgain
	case wire.CodeUnknownMember, wire.CodeIllegalGeneration:
		return fmt.Errorf("%w: %w", errLeft, err)
	}
	return err
}

// leave gives our place up at once, unless it has a name: then it is kept for the process that comes back.
func (m *membership) leave() {
	c := m.g.config
	if c.Instance != "" || m.id == "" || m.coordinator == AnyBroker {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := m.leaveGroup(ctx); err != nil {
		c.Logger.Warn("leaving the group", "group", c.Group, "error", err)
	}
}

// leaveGroup gives our place up.
func (m *membership) leaveGroup(ctx context.Context) error {
	var e wire.Encoder
	e.Str(m.g.config.Group)
	e.Array(1)
	e.Str(m.id)
	e.Nullable("") // a member with a name does not leave
	c, err := m.exchange(ctx, protocol.LeaveGroup, leaveVersion, e.Buf)
	if err != nil {
		return err
	}
	return m.verdict(c, "leave")
}
