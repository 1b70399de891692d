package stream_test

import (
	"errors"
	"testing"

	"github.com/segmentio/kafka-go"
)

// This file has what another client does: kafka-go's, on its own.

func grow(t testing.TB, addr, topic string, partitions int) {
	t.Helper()
	c := &kafka.Client{Addr: kafka.TCP(addr), Transport: &kafka.Transport{}}
	defer c.Transport.(*kafka.Transport).CloseIdleConnections()
	r, err := c.CreatePartitions(t.Context(), &kafka.CreatePartitionsRequest{Topics: []kafka.TopicPartitionsConfig{{Name: topic, Count: int32(partitions)}}})
	if err == nil {
		err = r.Errors[topic]
	}
	if err != nil {
		t.Fatal(err)
	}
}

func committed(t testing.TB, addr, group, topic string, partitions int) map[int]int64 {
	t.Helper()
	c := &kafka.Client{Addr: kafka.TCP(addr), Transport: &kafka.Transport{}}
	defer c.Transport.(*kafka.Transport).CloseIdleConnections()
	var ids []int
	for i := range partitions {
		ids = append(ids, i)
	}
	r, err := c.OffsetFetch(t.Context(), &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: ids}})
	if err != nil {
		t.Fatal(err)
	}
	offsets := map[int]int64{}
	for _, p := range r.Topics[topic] {
		if err := errors.Join(p.Error); err != nil {
			t.Fatal(err)
		}
		offsets[p.Partition] = p.CommittedOffset
	}
	return offsets
}
