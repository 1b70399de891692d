package broker

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"headcount/events/stream/batch/batchtest"
)

// TestBrokersTimeIsNotTheProducers: a batch that says LogAppendTime is refused, as Apache Kafka does, and nothing of its request is in
// the log; what was beside it is taken when it comes again.
func TestBrokersTimeIsNotTheProducers(t *testing.T) {
	b, err := Start(t.Context(), Config{Addr: "127.0.0.1:0", DataDir: t.TempDir(), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	created, err := admin.CreateTopic(t.Context(), 2, 1, nil, "events")
	if err != nil {
		t.Fatal(err)
	}
	good := batchtest.Plain(0, "a")
	claims := good.With(func(b *batchtest.Batch) { b.Attributes |= batchtest.LogAppendTime })
	send := func(batches ...batchtest.Batch) (codes []int16) {
		t.Helper()
		q := kmsg.NewPtrProduceRequest()
		q.Acks, q.TimeoutMillis = -1, 10_000
		topic := kmsg.NewProduceRequestTopic()
		topic.Topic, topic.TopicID = "events", [16]byte(created.ID)
		for i, b := range batches {
			p := kmsg.NewProduceRequestTopicPartition()
			p.Partition, p.Records = int32(i), b.Bytes()
			topic.Partitions = append(topic.Partitions, p)
		}
		q.Topics = append(q.Topics, topic)
		a, err := client.Broker(0).Request(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range a.(*kmsg.ProduceResponse).Topics {
			for _, p := range x.Partitions {
				codes = append(codes, p.ErrorCode)
			}
		}
		return codes
	}
	ends := func() (all [2]int64) {
		t.Helper()
		list, err := admin.ListEndOffsets(t.Context(), "events")
		if err != nil {
			t.Fatal(err)
		}
		list.Each(func(o kadm.ListedOffset) { all[o.Partition] = o.Offset })
		return all
	}
	if got := send(claims); len(got) != 1 || got[0] != kerr.InvalidTimestamp.Code || ends() != [2]int64{} {
		t.Errorf("alone: codes %v, the log ends at %v", got, ends())
	}
	if got := send(good, claims); len(got) != 2 || got[0] != kerr.RequestTimedOut.Code || got[1] != kerr.InvalidTimestamp.Code || ends() != [2]int64{} {
		t.Errorf("beside another: codes %v, the log ends at %v", got, ends())
	}
	for n := int64(1); n <= 3; n++ { // the refusal stands for more than one request
		if got := send(good, good); len(got) != 2 || got[0] != 0 || got[1] != 0 || ends() != [2]int64{n, n} {
			t.Errorf("as CreateTime: codes %v, the log ends at %v", got, ends())
		}
		if got := send(claims); len(got) != 1 || got[0] != kerr.InvalidTimestamp.Code {
			t.Errorf("again: codes %v", got)
		}
	}
}
