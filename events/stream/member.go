package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go/protocol/findcoordinator"
	"github.com/segmentio/kafka-go/protocol/joingroup"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"
	"github.com/segmentio/kafka-go/protocol/syncgroup"
)

// The versions of the group's requests: the first with static members, and none of those whose encoding changed after.
const (
	joinVersion        = 5
	syncVersion        = 3
	heartbeatVersion   = 3
	leaveVersion       = 3
	commitVersion      = 7
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
	var pause backoff
	for {
		// While we join, the coordinator counts on the join, not on heartbeats.
		beats.stop()
		beats = nil
		assigned, err := m.join(ctx)
		if err == nil {
			pause.reset()
			beats = m.beat()
			m.l.setMember(m)
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
		case codeOf(err) == codeFencedInstance:
			return &FencedError{Group: m.l.config.Group, Instance: m.l.config.Instance}
		case !Retriable(err):
			return fmt.Errorf("group %s: %w", m.l.config.Group, err)
		default:
			m.coordinator = anyBroker
			if pause.tries > 2 {
				m.l.config.Logger.Warn("joining the group again", "group", m.l.config.Group, "error", err)
			}
			pause.wait(ctx)
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
	said := subscription{topic: t.Name, partitions: m.partitions, generation: m.generation, owned: m.owned}
	c := m.l.config
	q := &joingroup.Request{
		GroupID: c.Group, MemberID: m.id, GroupInstanceID: c.Instance, ProtocolType: "consumer",
		SessionTimeoutMS:   int32(c.SessionTimeout / time.Millisecond),
		RebalanceTimeoutMS: int32(c.RebalanceTimeout / time.Millisecond),
		Protocols:          []joingroup.RequestProtocol{{Name: protocolName, Metadata: said.encode()}},
	}
	// The answer comes when all have joined, or the group has waited long enough for them.
	within, cancel := context.WithTimeout(ctx, c.RebalanceTimeout+c.RequestTimeout)
	defer cancel()
	a, err := askWithin[*joingroup.Response](within, m.l, m.coordinator, joinVersion, q, nil)
	if err != nil {
		return nil, err
	}
	if a.MemberID != "" {
		m.id = a.MemberID
	}
	switch err := m.verdict(code(a.ErrorCode), "join"); {
	case code(a.ErrorCode) == codeMemberIDRequired:
		return nil, errAgain
	case err != nil:
		return nil, err
	}
	m.generation = a.GenerationID
	var shares []syncgroup.RequestAssignment
	if a.LeaderID == a.MemberID && len(a.Members) > 0 {
		if shares, err = m.shareOut(t, a); err != nil {
			return nil, err
		}
	}
	s, err := ask[*syncgroup.Response](ctx, m.l, m.coordinator, syncVersion, &syncgroup.Request{
		GroupID: c.Group, MemberID: m.id, GenerationID: m.generation, GroupInstanceID: c.Instance, Assignments: shares})
	if err != nil {
		return nil, err
	}
	if err := m.verdict(code(s.ErrorCode), "sync with"); err != nil {
		return nil, err
	}
	return decodeAssignment(s.Assignments, t.Name)
}

// shareOut is the leader's part.
func (m *membership) shareOut(t *Topic, a *joingroup.Response) ([]syncgroup.RequestAssignment, error) {
	n := int32(len(t.Partitions))
	var claims []claimant
	for _, member := range a.Members {
		s, err := decodeSubscription(member.Metadata, t.Name)
		if err != nil {
			return nil, fmt.Errorf("member %s of group %s: %w (another program in the group? set kafka.group to a name of its own)", member.MemberID, m.l.config.Group, err)
		}
		if s.topic != t.Name {
			return nil, &BrokerError{Code: 23, Op: "join", Subject: "group " + m.l.config.Group,
				Message: fmt.Sprintf("member %s reads another topic than %s", member.MemberID, t.Name)}
		}
		name := member.GroupInstanceID
		if name == "" {
			name = member.MemberID
		}
		n = max(n, s.partitions)
		claims = append(claims, claimant{id: member.MemberID, name: name, subscription: s})
	}
	var shares []syncgroup.RequestAssignment
	for id, partitions := range share(n, claims) {
		shares = append(shares, syncgroup.RequestAssignment{MemberID: id, Assignment: encodeAssignment(t.Name, partitions)})
	}
	slices.SortFunc(shares, func(x, y syncgroup.RequestAssignment) int {
		if x.MemberID < y.MemberID {
			return -1
		}
		return 1
	})
	return shares, nil
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
			if err != nil && isLost(err) {
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
	a, err := ask[*findcoordinator.Response](ctx, l, anyBroker, coordinatorVersion, &findcoordinator.Request{Key: l.config.Group})
	if err != nil {
		return anyBroker, err
	}
	if err := refusal(code(a.ErrorCode), "find the coordinator of", "group "+l.config.Group, a.ErrorMessage); err != nil {
		return anyBroker, err
	}
	return a.NodeID, nil
}

// verdict makes a group code what it means for our membership.
func (m *membership) verdict(c code, op string) error {
	err := refusal(c, op, "group "+m.l.config.Group, "")
	switch c {
	case codeRebalance:
		return errAgain
	case codeUnknownMember, codeIllegalGeneration:
		return fmt.Errorf("%w: %w", errLeft, err)
	}
	return err
}

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
		every := min(m.l.config.SessionTimeout/4, time.Second) // also how soon we hear of a new member
		told := false
		for sleep(ctx, every) {
			err := own.find(ctx)
			if err == nil {
				err = own.heartbeat(ctx)
			}
			switch {
			case err == nil, ctx.Err() != nil:
			case errors.Is(err, errAgain):
				// We stay known while the handler is busy: keep beating.
				if !told {
					told = true
					b.end <- err
				}
			case errors.Is(err, errLeft), codeOf(err).class() == fatal && codeOf(err) != codeNone:
				select { // this is worse than what may wait there
				case <-b.end:
				default:
				}
				b.end <- err
				return
			default:
				own.coordinator = anyBroker
				own.l.config.Logger.Warn("heartbeat failed", "group", own.l.config.Group, "error", err)
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

// Commit tells the group how far each partition is counted, for whoever watches its lag. Headcount itself never reads it back. It
// does nothing without a group, or while this process is no member.
func (l *Log) Commit(ctx context.Context, offsets map[int32]int64) error {
	l.mu.Lock()
	ours := l.member
	l.mu.Unlock()
	if ours == nil || len(offsets) == 0 {
		return nil
	}
	m := *ours
	err := m.commit(ctx, offsets)
	if err != nil && (codeOf(err) == codeNone || codeOf(err) == codeNotCoordinator || codeOf(err) == codeNoCoordinator) {
		m.coordinator = anyBroker // it may have moved
		err = m.commit(ctx, offsets)
	}
	return err
}

func (m *membership) commit(ctx context.Context, offsets map[int32]int64) error {
	if err := m.find(ctx); err != nil {
		return err
	}
	l := m.l
	topic := offsetcommit.RequestTopic{Name: l.config.Topic}
	for p, o := range offsets {
		topic.Partitions = append(topic.Partitions, offsetcommit.RequestPartition{PartitionIndex: p, CommittedOffset: o, CommittedLeaderEpoch: -1})
	}
	a, err := ask[*offsetcommit.Response](ctx, l, m.coordinator, commitVersion, &offsetcommit.Request{
		GroupID: l.config.Group, GenerationID: m.generation, MemberID: m.id, GroupInstanceID: l.config.Instance, Topics: []offsetcommit.RequestTopic{topic}})
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range a.Topics {
		for _, p := range t.Partitions {
			errs = append(errs, refusal(code(p.ErrorCode), "commit the offset of", partitionName(t.Name, p.PartitionIndex), ""))
		}
	}
	return errors.Join(errs...)
}
