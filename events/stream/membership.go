package stream

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"headcount/events"
	"headcount/events/stream/group"
	"headcount/events/stream/wire"
)

// FencedError says that another process has joined the group under this one's static name.
type FencedError = group.FencedError

// membership makes the group of a Config, which is not asked for anything where that names none.
func (l *Log) membership(heartbeat time.Duration) *group.Group {
	c := l.config
	return group.New(groupCluster{l}, group.Config{
		Group: c.Group, Topic: c.Topic, Instance: c.Instance, Installation: c.Installation,
		SessionTimeout: c.SessionTimeout, RebalanceTimeout: c.RebalanceTimeout, RequestTimeout: c.RequestTimeout,
		MetadataInterval: c.MetadataInterval, Heartbeat: heartbeat, Logger: c.Logger,
	})
}

// groupCluster is the Log as its group sees it.
type groupCluster struct{ l *Log }

func (c groupCluster) Call(ctx context.Context, node int32, key protocol.ApiKey, version int16, body []byte, timeout time.Duration) (*wire.Decoder, error) {
	r := &request{key: key, version: version, node: node, body: body, timeout: timeout}
	if err := c.l.send(ctx, r); err != nil {
		return nil, err
	}
	return &wire.Decoder{Buf: r.whole}, nil
}

func (c groupCluster) Partitions(ctx context.Context) (int32, error) {
	t, err := c.l.metadata(ctx, c.l.config.Topic)
	if err != nil {
		return 0, err
	}
	return int32(len(t.Partitions)), nil
}

func (c groupCluster) Warn(what string, err error, args ...any) { c.l.warn(what, err, args...) }

// Commit tells the group how far each partition is counted, for whoever watches its lag, and for the next to be told
// where state was lost (Committed). It does nothing without a group, or while this process is no member.
func (l *Log) Commit(ctx context.Context, offsets map[events.Partition]events.Offset) error {
	return l.group.Commit(ctx, offsets)
}

// Committed tells how far a partition was counted when the group was told last; −1: it was not, or there is no group. It is asked once.
func (l *Log) Committed(ctx context.Context, partition events.Partition) (events.Offset, error) {
	if l.config.Group == "" {
		return -1, nil
	}
	return l.group.Committed(ctx, partition)
}

// Owners says which member of the group has each partition: by its static name, else its member id. Partitions that nobody has are
// left out; without a group there are no owners.
func (l *Log) Owners(ctx context.Context) (map[events.Partition]string, error) {
	owners := map[events.Partition]string{}
	if l.config.Group == "" {
		return owners, nil
	}
	err := l.persistBriefly(ctx, "describe group "+l.config.Group, func(ctx context.Context) (err error) {
		owners, err = l.group.Owners(ctx)
		return err
	})
	return owners, err
}

// GroupMember is who belongs to the group.
type GroupMember = group.Member

// Members returns who belongs to the group, strangers too; nobody where there is no group.
func (l *Log) Members(ctx context.Context) (all []GroupMember, _ error) {
	if l.config.Group == "" {
		return nil, nil
	}
	err := l.persistBriefly(ctx, "describe group "+l.config.Group, func(ctx context.Context) (err error) {
		all, err = l.group.Members(ctx)
		return err
	})
	return all, err
}
