package stream

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/segmentio/kafka-go/protocol/createtopics"
	"github.com/segmentio/kafka-go/protocol/describeconfigs"
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
	t := createtopics.RequestTopic{Name: name, NumPartitions: partitions, ReplicationFactor: -1}
	for _, k := range slices.Sorted(maps.Keys(configs)) {
		t.Configs = append(t.Configs, createtopics.RequestConfig{Name: k, Value: configs[k]})
	}
	tried := false
	err = l.persistBriefly(ctx, "create topic "+name, func(ctx context.Context) error {
		a, err := ask[*createtopics.Response](ctx, l, controller, createTopicsVersion, &createtopics.Request{
			Topics: []createtopics.RequestTopic{t}, TimeoutMs: int32(l.config.RequestTimeout / time.Millisecond)})
		if err != nil {
			tried = true
			return err
		}
		for _, r := range a.Topics {
			switch c := code(r.ErrorCode); c {
			case codeNone:
				created = true
			case codeTopicExists:
				created = tried // by a try whose answer was lost, it may be
			default:
				return refusal(c, "create", "topic "+name, r.ErrorMessage)
			}
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	// Metadata follows a moment later; until then the topic may be unknown.
	within, cancel := context.WithTimeout(ctx, l.config.RequestTimeout)
	defer cancel()
	var pause backoff
	for {
		m, err := l.metadata(within, name)
		if err == nil && !slices.ContainsFunc(m.Partitions, func(p Partition) bool { return p.Leader < 0 }) {
			return created, nil
		}
		if !pause.wait(within) {
			return created, fmt.Errorf("topic %s: created, but it has no leaders yet: %w", name, err)
		}
	}
}

// Configs returns a topic's settings as they hold, the brokers' defaults with them.
func (l *Log) Configs(ctx context.Context, topic string) (map[string]string, error) {
	configs := map[string]string{}
	err := l.persistBriefly(ctx, "describe the settings of topic "+topic, func(ctx context.Context) error {
		clear(configs)
		a, err := ask[*describeconfigs.Response](ctx, l, anyBroker, describeConfigsVersion, &describeconfigs.Request{
			Resources: []describeconfigs.RequestResource{{ResourceType: topicResource, ResourceName: topic}}})
		if err != nil {
			return err
		}
		for _, r := range a.Resources {
			if err := refusal(code(r.ErrorCode), "describe the settings of", "topic "+topic, r.ErrorMessage); err != nil {
				return err
			}
			for _, e := range r.ConfigEntries {
				configs[e.ConfigName] = e.ConfigValue
			}
		}
		return nil
	})
	return configs, err
}
