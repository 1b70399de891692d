package stream

import (
	"context"
	"fmt"

	"github.com/segmentio/kafka-go/protocol/describegroups"
)

const describeGroupsVersion = 4 // the first with static names

// Owners says which member of the group has each partition: by its static name, else its member id. Partitions that nobody has are
// left out; without a group there are no owners.
func (l *Log) Owners(ctx context.Context) (map[int32]string, error) {
	owners := map[int32]string{}
	if l.config.Group == "" {
		return owners, nil
	}
	err := l.persistBriefly(ctx, "describe group "+l.config.Group, func(ctx context.Context) error {
		clear(owners)
		g, err := l.group(ctx, false)
		if err != nil {
			return err
		}
		for _, m := range g.Members {
			name := m.GroupInstanceID
			if name == "" {
				name = m.MemberID
			}
			partitions, err := decodeAssignment(m.MemberAssignment, l.config.Topic)
			if err != nil {
				return fmt.Errorf("group %s: member %s: %w", l.config.Group, name, err)
			}
			for _, p := range partitions {
				owners[p] = name
			}
		}
		return nil
	})
	return owners, err
}

func (l *Log) group(ctx context.Context, operations bool) (*describegroups.ResponseGroup, error) {
	node, err := l.coordinator(ctx)
	if err != nil {
		return nil, err
	}
	a, err := ask[*describegroups.Response](ctx, l, node, describeGroupsVersion,
		&describegroups.Request{Groups: []string{l.config.Group}, IncludeAuthorizedOperations: operations})
	if err != nil {
		return nil, err
	}
	if len(a.Groups) != 1 {
		return nil, fmt.Errorf("describe group %s: %d groups in the answer", l.config.Group, len(a.Groups))
	}
	g := &a.Groups[0]
	if c := code(g.ErrorCode); c == codeNoGroup { // it is made by its first member
		return g, nil
	} else if err := refusal(c, "describe", "group "+l.config.Group, ""); err != nil {
		return nil, err
	}
	return g, nil
}
