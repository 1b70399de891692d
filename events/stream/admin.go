package stream

import (
	"context"
	"fmt"
	"headcount/events/stream/backoff"
	"maps"
	"slices"
	"time"

	"github.com/segmentio/kafka-go/protocol"
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
		if c == codeTopicExists {
			created = tried // by a try whose answer was lost, it may be
			return nil
		}
		created = c == codeNone
		return refusal(c, "create", "topic "+name, message)
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
		if err == nil && !slices.ContainsFunc(m.Partitions, func(p Partition) bool { return p.Leader < 0 }) {
			return created, nil
		}
		if !pause.Wait(within) {
			return created, fmt.Errorf("topic %s: created, but it has no leaders yet: %w", name, err)
		}
	}
}

func encodeCreateTopic(name string, partitions int32, configs map[string]string, timeout time.Duration) []byte {
	var e encoder
	e.array(1)
	e.string(name)
	e.int32(partitions)
	e.int16(-1) // the brokers' default replication
	e.array(0)  // no assignment of our own
	e.array(len(configs))
	for _, k := range slices.Sorted(maps.Keys(configs)) {
		e.string(k)
		e.string(configs[k])
	}
	e.int32(int32(timeout / time.Millisecond))
	e.bool(false) // not only a question
	return e.b
}

func decodeCreateTopic(d *decoder, topic string) (c code, message string, err error) {
	found := false
	d.int32() // throttle
	for n := d.array(6); n > 0; n-- {
		name, got, words := d.string(), code(d.int16()), d.string()
		if name == topic {
			found, c, message = true, got, words
		}
	}
	if d.err == nil && !found {
		d.err = errLeftOut
	}
	if d.err != nil {
		return 0, "", fmt.Errorf("create topic %s: answer: %w", topic, d.err)
	}
	return c, message, nil
}

// Configs returns a topic's settings as they hold, the brokers' defaults with them.
func (l *Log) Configs(ctx context.Context, topic string) (map[string]string, error) {
	var configs map[string]string
	err := l.persistBriefly(ctx, "describe the settings of topic "+topic, func(ctx context.Context) error {
		var e encoder
		e.array(1)
		e.int8(topicResource)
		e.string(topic)
		e.int32(-1)   // all of them
		e.bool(false) // without synonyms
		d, err := l.call(ctx, anyBroker, protocol.DescribeConfigs, describeConfigsVersion, e.b)
		if err != nil {
			return err
		}
		configs, err = decodeConfigs(d, topic)
		return err
	})
	return configs, err
}

func decodeConfigs(d *decoder, topic string) (map[string]string, error) {
	configs := map[string]string{}
	var refused error
	found := false
	d.int32() // throttle
	for n := d.array(11); n > 0; n-- {
		c, message, kind, name := code(d.int16()), d.string(), d.int8(), d.string()
		ours := kind == topicResource && name == topic
		if ours {
			found, refused = true, refusal(c, "describe the settings of", "topic "+topic, message)
		}
		for m := d.array(11); m > 0; m-- {
			key, value := d.string(), d.string()
			d.bool() // read only
			d.int8() // where it is set
			d.bool() // sensitive
			for k := d.array(5); k > 0; k-- {
				d.string()
				d.string()
				d.int8()
			}
			if ours && d.err == nil {
				configs[key] = value
			}
		}
	}
	if d.err == nil && !found {
		d.err = errLeftOut
	}
	if d.err != nil {
		return nil, fmt.Errorf("describe the settings of topic %s: answer: %w", topic, d.err)
	}
	return configs, refused
}
