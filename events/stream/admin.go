package stream

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"headcount/events/stream/backoff"
	"headcount/events/stream/wire"
)

const (
	createTopicsVersion    = 4 // the first with the brokers' default replication
	describeConfigsVersion = 1
	topicResource          = 2
)

// DeadTopic is the name of a topic's dead-letter topic.
func DeadTopic(topic string) string { return topic + ".dead" }

// CreateTopic makes a topic, with the brokers' default replication, and returns when every partition has a leader. One that exists
// is left as it is: false.
func (l *Log) CreateTopic(ctx context.Context, name string, partitions int32, configs map[string]string) (created bool, err error) {
	if err := validTopic(name); err != nil {
		return false, err
	}
	if partitions < 1 {
		return false, fmt.Errorf("create topic %s: %d partitions, want at least 1", name, partitions)
	}
	tried := false
	err = l.persistBriefly(ctx, "create topic "+name, func(ctx context.Context) error {
		d, err := l.call(ctx, controller, protocol.CreateTopics, createTopicsVersion, encodeCreateTopic(name, partitions, configs, l.config.RequestTimeout))
		if err != nil {
			tried = true
			return err
		}
		c, message, err := decodeCreateTopic(d, name)
		if err != nil {
			return err
		}
		if c == wire.CodeTopicExists {
			created = tried // by a try whose answer was lost, it may be
			return nil
		}
		created = c == wire.CodeNone
		return wire.Refusal(c, "create", "topic "+name, message)
	})
	if err != nil {
		return false, err
	}
	// Metadata follows a moment later; until then the topic may be unknown.
	within, cancel := context.WithTimeout(ctx, l.config.RequestTimeout)
	defer cancel()
	var pause backoff.Pause
	for {
		m, err := l.metadata(within, name)
		if err == nil && !slices.ContainsFunc(m.Partitions, func(p PartitionInfo) bool { return p.Leader < 0 }) {
			return created, nil
		}
		if !pause.Wait(within) {
			return created, fmt.Errorf("topic %s: created, but it has no leaders yet: %w", name, err)
		}
	}
}

func encodeCreateTopic(name string, partitions int32, configs map[string]string, timeout time.Duration) []byte {
	var e wire.Encoder
	e.Array(1)
	e.Str(name)
	e.Int32(partitions)
	e.Int16(-1) // the brokers' default replication
	e.Array(0)  // no assignment of our own
	e.Array(len(configs))
	for _, k := range slices.Sorted(maps.Keys(configs)) {
		e.Str(k)
		e.Str(configs[k])
	}
	e.Int32(int32(timeout / time.Millisecond))
	e.Bool(false) // not only a question
	return e.Buf
}

func decodeCreateTopic(d *wire.Decoder, topic string) (c wire.Code, message string, err error) {
	found := false
	d.Int32() // throttle
	for n := d.Array(6); n > 0; n-- {
		name, got, words := d.Str(), wire.Code(d.Int16()), d.Str()
		if name == topic {
			found, c, message = true, got, words
		}
	}
	if d.Err == nil && !found {
		d.Err = wire.ErrLeftOut
	}
	if d.Err != nil {
		return 0, "", fmt.Errorf("create topic %s: answer: %w", topic, d.Err)
	}
	return c, message, nil
}

// Configs returns a topic's settings as they hold, the brokers' defaults with them.
func (l *Log) Configs(ctx context.Context, topic string) (map[string]string, error) {
	var configs map[string]string
	err := l.persistBriefly(ctx, "describe the settings of topic "+topic, func(ctx context.Context) error {
		var e wire.Encoder
		e.Array(1)
		e.Int8(topicResource)
		e.Str(topic)
		e.Int32(-1)   // all of them
		e.Bool(false) // without synonyms
		d, err := l.call(ctx, anyBroker, protocol.DescribeConfigs, describeConfigsVersion, e.Buf)
		if err != nil {
			return err
		}
		configs, err = decodeConfigs(d, topic)
		return err
	})
	return configs, err
}

func decodeConfigs(d *wire.Decoder, topic string) (map[string]string, error) {
	configs := map[string]string{}
	var refused error
	found := false
	d.Int32() // throttle
	for n := d.Array(11); n > 0; n-- {
		c, message, kind, name := wire.Code(d.Int16()), d.Str(), d.Int8(), d.Str()
		ours := kind == topicResource && name == topic
		if ours {
			found, refused = true, wire.Refusal(c, "describe the settings of", "topic "+topic, message)
		}
		for m := d.Array(11); m > 0; m-- {
			key, value := d.Str(), d.Str()
			d.Bool() // read only
			d.Int8() // where it is set
			d.Bool() // sensitive
			for k := d.Array(5); k > 0; k-- {
				d.Str()
				d.Str()
				d.Int8()
			}
			if ours && d.Err == nil {
				configs[key] = value
			}
		}
	}
	if d.Err == nil && !found {
		d.Err = wire.ErrLeftOut
	}
	if d.Err != nil {
		return nil, fmt.Errorf("describe the settings of topic %s: answer: %w", topic, d.Err)
	}
	return configs, refused
}
