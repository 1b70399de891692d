package main

import (
	"bytes"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"headcount/endtoend/month"
	"headcount/endtoend/naive"
)

// What is sent is what NDJSON would hold, with the timestamps of the month, where its key belongs, in order.
func TestSends(t *testing.T) {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "t"))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	const records = sendBatch + 5000
	args := []string{"--events", "25000", "--devices", "1000", "--binary", "0.3", "--brokers", broker.ListenAddrs()[0], "--topic", "t"}
	if err := run(t.Context(), args); err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.ListenAddrs()...), kgo.ConsumeTopics("t"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	got := map[int32][]*kgo.Record{}
	for n := 0; n < records; {
		fetches := client.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			got[r.Partition] = append(got[r.Partition], r)
			n++
		})
	}

	c := month.Default()
	c.Events, c.Devices, c.Binary = records, 1000, 0.3
	g, err := month.New(c)
	if err != nil {
		t.Fatal(err)
	}
	var want month.Record
	binary := 0
	for g.Next(&want) {
		p := int32(naive.Partition(want.Key, 3))
		if want.Key == nil {
			for p = range got { // any partition will do: the one that has it next
				if len(got[p]) > 0 && bytes.Equal(got[p][0].Value, want.Value) && got[p][0].Key == nil {
					break
				}
			}
		}
		if len(got[p]) == 0 {
			t.Fatalf("partition %d: nothing left, want %s", p, want.Value)
		}
		r := got[p][0]
		got[p] = got[p][1:]
		if !bytes.Equal(r.Key, want.Key) || !bytes.Equal(r.Value, want.Value) || r.Timestamp.UnixMilli() != want.Timestamp || len(r.Headers) != len(want.Headers) {
			t.Fatalf("partition %d: %s %s at %d, want %s %s at %d", p, r.Key, r.Value, r.Timestamp.UnixMilli(), want.Key, want.Value, want.Timestamp)
		}
		if len(want.Headers) > 0 {
			binary++
		}
	}
	if binary < 1000 {
		t.Errorf("%d records in binary mode", binary)
	}
}
