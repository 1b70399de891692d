package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"headcount/events/stream/backoff"
	"headcount/events/stream/wire"
)

// The versions of the group's requests: the first with static members, and none of those whose encoding changed after.
const (
	joinVersion        = 5
	syncVersion        = 3
	heartbeatVersion   = 3
	leaveVersion       = 3
	commitVersion      = 7
	committedVersion   = 5
	coordinatorVersion = 1
)

// membership is our place in the group.
type membership struct {
	l           *Log
	coordinator int32 // anyBroker: to be found
	id          string
	generation  int32
	partitions  int32   // that the topic has, as we told the group
	owned       []int32 // that the handler has
}

// errLeft says that the group has forgotten us: what we owned may be given to others already.
var errLeft = errors.New("the group no longer knows this member")

// errAgain says that the group shares out anew, and waits for us to join.
var errAgain = errors.New("the group shares out anew")

func (l *Log) assignGroup(ctx context.Context, h Handler) error {
	m := &membership{l: l, coordinator: anyBroker, generation: -1}
	err := m.run(ctx, h)
	l.setMember(nil)
	m.leave()
	return err
}

// setMember says whose generation commits are made in.
func (l *Log) setMember(m *membership) {
	var snapshot *membership
	if m != nil {
		snapshot = &membership{l: l, coordinator: m.coordinator, id: m.id, generation: m.generation}
	}
	l.mu.Lock()
	l.member = snapshot
	l.mu.Unlock()
}

// run joins, shares and beats until the context ends or an error is final. At its end the handler has nothing.
func (m *membership) run(ctx context.Context, h Handler) error {
	revoke := func(lost []int32) {
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
			m.l.setMember(m)
			m.l.config.Logger.Info("in the group", "group", m.l.config.Group, "member", cmp.Or(m.l.config.Instance, m.id),
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
			m.l.config.Logger.Warn("left out of the group; joining anew", "group", m.l.config.Group, "member", m.id, "error", err)
			m.l.setMember(nil)
			m.id, m.generation = "", -1
			revoke(m.owned)
		case wire.CodeOf(err) == wire.CodeFencedInstance:
			return &FencedError{Group: m.l.config.Group, Instance: m.l.config.Instance}
		case !wire.Retriable(err):
			return fmt.Errorf("group %s: %w", m.l.config.Group, err)
		default:
			m.coordinator = anyBroker
			if pause.Tries > 2 {
				m.l.warn("joining the group again", err, "group", m.l.config.Group)
			}
			pause.Wait(ctx)
		}
	}
}

// join goes through JoinGroup and SyncGroup once and returns what is ours.
func (m *membership) join(ctx context.Context) ([]int32, error) {
	t, err := m.l.metadata(ctx, m.l.config.Topic)
	if err != nil {
		return nil, err
	}
	if err := m.find(ctx); err != nil {
		return nil, err
	}
	m.partitions = int32(len(t.Partitions))
	said := subscription{topic: t.Name, partitions: m.partitions, generation: -1, owned: m.owned}
	if len(m.owned) > 0 {
		said.generation = m.generation
	}
	c := m.l.config
	var e wire.Encoder
	e.Str(c.Group)
	e.Int32(int32(c.SessionTimeout / time.Millisecond))
	e.Int32(int32(c.RebalanceTimeout / time.Millisecond))
	e.Str(m.id)
	e.Nullable(c.Instance)
	e.Str("consumer")
	e.Array(1)
	e.Str(protocolName)
	e.Bytes(said.encode())
	// The answer comes when all have joined, or the group has waited long enough for them.
	q := &request{key: protocol.JoinGroup, version: joinVersion, node: m.coordinator, body: e.Buf, timeout: c.RebalanceTimeout + c.RequestTimeout}
	if err := m.l.send(ctx, q); err != nil {
		return nil, err
	}
	a, err := decodeJoin(&wire.Decoder{Buf: q.whole})
	if err != nil {
		return nil, err
	}
	if a.id != "" {
		m.id = a.id
	}
	switch err := m.verdict(a.code, "join"); {
	case a.code == wire.CodeMemberIDRequired:
		return nil, errAgain
	case err != nil:
		return nil, err
	}
	m.generation = a.generation
	var shares map[string][]int32
	if a.leader == a.id && len(a.members) > 0 {
		if shares, err = m.shareOut(t, a); err != nil {
			return nil, err
		}
	}
	return m.sync(ctx, t.Name, shares)
}

// sync hands the shares in, where we lead, and returns ours.
func (m *membership) sync(ctx context.Context, topic string, shares map[string][]int32) ([]int32, error) {
	var e wire.Encoder
	e.Str(m.l.config.Group)
	e.Int32(m.generation)
	e.Str(m.id)
	e.Nullable(m.l.config.Instance)
	e.Array(len(shares))
	for _, id := range slices.Sorted(maps.Keys(shares)) {
		e.Str(id)
		e.Bytes(encodeAssignment(topic, shares[id]))
	}
	d, err := m.l.call(ctx, m.coordinator, protocol.SyncGroup, syncVersion, e.Buf)
	if err != nil {
		return nil, err
	}
	c, assignment, err := decodeSync(d)
	if err != nil {
		return nil, err
	}
	if err := m.verdict(c, "sync with"); err != nil {
		return nil, err
	}
	return decodeAssignment(assignment, topic)
}

// joined is the answer to JoinGroup.
type joined struct {
	code       wire.Code
	generation int32
	id, leader string
	members    []joinedMember // where we lead
}

type joinedMember struct {
	id, instance string
	subscription []byte
}

func decodeJoin(d *wire.Decoder) (joined, error) {
	var a joined
	d.Int32() // throttle
	a.code, a.generation = wire.Code(d.Int16()), d.Int32()
	d.Str() // protocol
	a.leader, a.id = d.Str(), d.Str()
	for n := d.Array(8); n > 0; n-- {
		a.members = append(a.members, joinedMember{d.Str(), d.Str(), d.Bytes()})
	}
	if d.Err != nil {
		return joined{}, fmt.Errorf("join the group: answer: %w", d.Err)
	}
	return a, nil
}

func decodeSync(d *wire.Decoder) (c wire.Code, assignment []byte, err error) {
	d.Int32() // throttle
	c, assignment = wire.Code(d.Int16()), d.Bytes()
	if d.Err != nil {
		return 0, nil, fmt.Errorf("sync with the group: answer: %w", d.Err)
	}
	return c, assignment, nil
}

// shareOut is the leader's part.
func (m *membership) shareOut(t *Topic, a joined) (map[string][]int32, error) {
	n := int32(len(t.Partitions))
	var claims []claimant
	for _, member := range a.members {
		s, err := decodeSubscription(member.subscription, t.Name)
		if err != nil {
			return nil, fmt.Errorf("member %s of group %s: %w (another program in the group? set kafka.group to a name of its own)", member.id, m.l.config.Group, err)
		}
		if s.topic != t.Name {
			return nil, &BrokerError{Code: 23, Op: "join", Subject: "group " + m.l.config.Group,
				Message: fmt.Sprintf("member %s reads another topic than %s", member.id, t.Name)}
		}
		n = max(n, s.partitions)
		claims = append(claims, claimant{id: member.id, name: cmp.Or(member.instance, member.id), subscription: s})
	}
	return share(n, claims), nil
}

// stay waits, a member in good standing, for what ends that: errAgain, errLeft, or a final error.
func (m *membership) stay(ctx context.Context, b *beating) error {
	growth := time.NewTicker(m.l.config.MetadataInterval)
	defer growth.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-b.end:
			return err
		case <-growth.C:
			t, err := m.l.metadata(ctx, m.l.config.Topic)
			if err == nil && int32(len(t.Partitions)) != m.partitions {
				return errAgain
			}
			if err != nil && wire.IsLost(err) {
				return err
			}
		}
	}
}

// find asks who coordinates the group, where that is not known.
func (m *membership) find(ctx context.Context) (err error) {
	if m.coordinator == anyBroker {
		m.coordinator, err = m.l.coordinator(ctx)
	}
	return err
}

func (l *Log) coordinator(ctx context.Context) (int32, error) {
	var e wire.Encoder
	e.Str(l.config.Group)
	e.Int8(0) // of a group
	d, err := l.call(ctx, anyBroker, protocol.FindCoordinator, coordinatorVersion, e.Buf)
	if err != nil {
		return anyBroker, err
	}
	return decodeCoordinator(d, l.config.Group)
}

func decodeCoordinator(d *wire.Decoder, group string) (int32, error) {
	d.Int32() // throttle
	c, message, node := wire.Code(d.Int16()), d.Str(), d.Int32()
	if d.Err != nil {
		return anyBroker, fmt.Errorf("find the coordinator of group %s: answer: %w", group, d.Err)
	}
	if err := wire.Refusal(c, "find the coordinator of", "group "+group, message); err != nil {
		return anyBroker, err
	}
	return node, nil
}

// verdict makes a group code what it means for our membership.
func (m *membership) verdict(c wire.Code, op string) error {
	err := wire.Refusal(c, op, "group "+m.l.config.Group, "")
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
	c := m.l.config
	if c.Instance != "" || m.id == "" || m.coordinator == anyBroker {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := m.leaveGroup(ctx); err != nil {
		c.Logger.Warn("leaving the group", "group", c.Group, "error", err)
	}
}
