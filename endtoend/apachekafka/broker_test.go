package apachekafka_test

import (
	"errors"
	"testing"
	"time"

	"headcount/endtoend/apachekafka"

	"github.com/segmentio/kafka-go"
)

// A record of a past month is there after a crash and after a stop in good order.
func TestRestartKeepsRecords(t *testing.T) {
	k := apachekafka.NeedOwn(t, apachekafka.Config{})
	client := &kafka.Client{Addr: kafka.TCP(k.Addr), Timeout: 20 * time.Second}
	created, err := client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: "kept", NumPartitions: 1, ReplicationFactor: 1}},
	})
	if err := errors.Join(err, created.Errors["kept"]); err != nil {
		t.Fatal(err)
	}
	w := &kafka.Writer{Addr: kafka.TCP(k.Addr), Topic: "kept", RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond}
	defer w.Close()
	old := time.Date(2020, 1, 15, 0, 0, 0, 0, time.UTC)
	for _, end := range []func() error{k.Kill, k.Stop} {
		if err := w.WriteMessages(t.Context(), kafka.Message{Value: []byte("x"), Time: old}); err != nil {
			t.Fatal(err)
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if k.PID() != 0 {
			t.Fatal("an ended broker still has a process")
		}
		if err := k.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	offsets, err := client.ListOffsets(t.Context(), &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{"kept": {kafka.FirstOffsetOf(0), kafka.LastOffsetOf(0)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := offsets.Topics["kept"][0]; got.FirstOffset != 0 || got.LastOffset != 2 {
		t.Errorf("offsets %d–%d, want 0–2", got.FirstOffset, got.LastOffset)
	}
}
