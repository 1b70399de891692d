package group

import (
	"cmp"
	"context"
	"fmt"

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

// Permissions says how many members the group has, and what this principal may do with it, in bits: wire.UnknownOperations where the
// broker does not say. It tries once.
func (g *Group) Permissions(ctx context.Context) (members int, operations int32, err error) {
	d, err := g.describe(ctx, true)
	return len(d.members), d.operations, err
}

// described is a group as its coordinator describes it.
type described struct {
	members    []describedMember
	operations int32 // bits: what this principal may do; unknownOperations where the broker does not say
}

type describedMember struct {
	id, instance string
	assignment   []byte
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
		d.Str() // protocol
		var members []describedMember
		for m := d.Array(16); m > 0; m-- {
			one := describedMember{id: d.Str(), instance: d.Str()}
			d.Str()   // client id
			d.Str()   // host
			d.Bytes() // subscription
			one.assignment = d.Bytes()
			members = append(members, one)
		}
		operations := d.Int32()
		if name != group {
			continue
		}
		found, g = true, described{members, operations}
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
