package group

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/segmentio/kafka-go/protocol"

	"headcount/events"
	"headcount/events/stream/wire"
)

const describeGroupsVersion = 4 // the first with static names

// Owners says which member of the group has each partition: by its static name, else its member id. Partitions that nobody has are
// left out. It tries once.
func (g *Group) Owners(ctx context.Context) (map[events.Partition]string, error) {
	d, err := g.describe(ctx, false)
	if err != nil {
		return nil, err
	}
	owners := map[events.Partition]string{}
	for _, m := range d.members {
		name := cmp.Or(m.instance, m.id)
		partitions, err := decodeAssignment(m.assignment, g.config.Topic)
		if err != nil {
			return nil, fmt.Errorf("group %s: member %s: %w", g.config.Group, name, err)
		}
		for _, p := range partitions {
			owners[p] = name
		}
	}
	return owners, nil
}

// Member is who belongs to the group, as its coordinator describes it.
type Member struct {
	Name       string // static name, else member id
	Client     string // client id
	Host       string // from which it reaches the broker
	Partitions []events.Partition
	Stranger   string // why what it reads is not counted here; empty: it is one of ours
}

func (m Member) String() string {
	who := fmt.Sprintf("%s (client %s at %s)", m.Name, m.Client, strings.TrimPrefix(m.Host, "/"))
	if m.Stranger != "" {
		return who + ", " + m.Stranger
	}
	return who
}

// Members returns who belongs to the group. It tries once.
func (g *Group) Members(ctx context.Context) ([]Member, error) {
	d, err := g.describe(ctx, false)
	if err != nil {
		return nil, err
	}
	var all []Member
	for _, m := range d.members {
		one := Member{Name: cmp.Or(m.instance, m.id), Client: m.client, Host: m.host, Stranger: g.stranger(d.protocol, m)}
		if one.Partitions, err = decodeAssignment(m.assignment, g.config.Topic); err != nil && one.Stranger == "" {
			return nil, fmt.Errorf("group %s: member %s: %w", g.config.Group, one.Name, err)
		}
		all = append(all, one)
	}
	return all, nil
}

// stranger says why a member is none of this installation; empty: it is one, or cannot be told from one.
func (g *Group) stranger(protocol string, m describedMember) string {
	if protocol != "" && protocol != protocolName {
		return "which is another program: it shares partitions out by " + protocol
	}
	if len(m.subscription) == 0 { // the group is not at rest
		return ""
	}
	s, err := decodeSubscription(m.subscription, g.config.Topic)
	switch {
	case err != nil:
		return "which is another program"
	case s.topic == "":
		return "which reads another topic"
	case s.installation != "" && g.config.Installation != "" && s.installation != g.config.Installation:
		return "which is of another installation: it counts with other keys"
	}
	return ""
}

// Permissions says how many members the group has, and what this principal may do with it, in bits: wire.UnknownOperations where the
// broker does not say. It tries once.
func (g *Group) Permissions(ctx context.Context) (members int, operations int32, err error) {
	d, err := g.describe(ctx, true)
	return len(d.members), d.operations, err
}

// described is a group as its coordinator describes it.
type described struct {
	protocol   string // by which it shares out; empty: it has no members, or does not know yet
	members    []describedMember
	operations int32 // bits: what this principal may do; unknownOperations where the broker does not say
}

type describedMember struct {
	id, instance, client, host string
	subscription, assignment   []byte
}

func (g *Group) describe(ctx context.Context, operations bool) (described, error) {
	node, err := g.coordinator(ctx)
	if err != nil {
		return described{}, err
	}
	var e wire.Encoder
	e.Array(1)
	e.Str(g.config.Group)
	e.Bool(operations)
	d, err := g.call(ctx, node, protocol.DescribeGroups, describeGroupsVersion, e.Buf)
	if err != nil {
		return described{}, err
	}
	return decodeGroup(d, g.config.Group)
}

func decodeGroup(d *wire.Decoder, group string) (described, error) {
	var g described
	var refused error
	found := false
	d.Int32() // throttle
	for n := d.Array(18); n > 0; n-- {
		c, name := wire.Code(d.Int16()), d.Str()
		d.Str() // state
		d.Str() // kind of group
		protocol := d.Str()
		var members []describedMember
		for m := d.Array(16); m > 0; m-- {
			one := describedMember{id: d.Str(), instance: d.Str(), client: d.Str(), host: d.Str(), subscription: d.Bytes()}
			one.assignment = d.Bytes()
			members = append(members, one)
		}
		operations := d.Int32()
		if name != group {
			continue
		}
		found, g = true, described{protocol, members, operations}
		if c != wire.CodeNoGroup { // it is made by its first member
			refused = wire.Refusal(c, "describe", "group "+group, "")
		}
	}
	if d.Err == nil && !found {
		d.Err = wire.ErrLeftOut
	}
	if d.Err != nil {
		return described{}, fmt.Errorf("describe group %s: answer: %w", group, d.Err)
	}
	return g, refused
}
