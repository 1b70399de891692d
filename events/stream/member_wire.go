package stream

import (
	"context"
	"fmt"

	"github.com/segmentio/kafka-go/protocol"
)

// kafka-go reads the answers to these two with their fields in the wrong order, so that it never sees an error in them.

// heartbeat tells the coordinator that we are there, and hears whether we still belong.
func (m *membership) heartbeat(ctx context.Context) error {
	var e encoder
	e.string(m.l.config.Group)
	e.int32(m.generation)
	e.string(m.id)
	e.nullable(m.l.config.Instance)
	c, err := m.exchange(ctx, protocol.Heartbeat, heartbeatVersion, e.b)
	if err != nil {
		return err
	}
	return m.verdict(c, "heartbeat to")
}

// leaveGroup gives our place up.
func (m *membership) leaveGroup(ctx context.Context) error {
	var e encoder
	e.string(m.l.config.Group)
	e.array(1)
	e.string(m.id)
	e.nullable("") // a member with a name does not leave
	c, err := m.exchange(ctx, protocol.LeaveGroup, leaveVersion, e.b)
	if err != nil {
		return err
	}
	return m.verdict(c, "leave")
}

func (m *membership) exchange(ctx context.Context, key protocol.ApiKey, version int16, body []byte) (code, error) {
	r := &request{key: key, version: version, node: m.coordinator, body: body}
	if err := m.l.send(ctx, r); err != nil {
		return 0, err
	}
	d := decoder{b: r.whole}
	d.int32() // throttle
	c := code(d.int16())
	if d.err != nil {
		return 0, fmt.Errorf("%v answer: %w", key, d.err)
	}
	return c, nil
}
