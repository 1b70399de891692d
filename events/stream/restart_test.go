package stream_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"headcount/endtoend/apachekafka"
	"headcount/events"
	"headcount/events/stream"
)

// An Apache Kafka is killed, and stopped, under a member that reads and a producer that writes: nothing is lost, doubled or out of
// order, and the log is still the one that it was.
func TestKafkaRestarts(t *testing.T) {
	if os.Getenv(apachekafka.Env) == "" {
		t.Skipf("needs an Apache Kafka of its own: set %s=start", apachekafka.Env)
	}
	k := apachekafka.NeedOwn(t, apachekafka.Config{})
	name, l := topic(t, k.Addr, 2)
	c := groupConfig(t, k.Addr, name, "static")
	w := newWorld(t)
	w.join(c, "a")
	w.becomes(map[string]int{"a": 2})
	r := l.NewReader(t.Context())
	defer r.Close()
	sent := 0
	readers := [2]*stream.PartitionReader{r.Open(0, fresh), r.Open(1, fresh)}
	next := [2]int{}
	round := func() {
		t.Helper()
		for range 20 {
			var ms []stream.Message
			for range 50 {
				ms = append(ms, stream.Message{Partition: events.Partition(sent % 2), Value: fmt.Append(nil, sent/2)})
				sent++
			}
			produce(t, l, ms...)
		}
		for i, p := range readers {
			got, at := read(t, p, events.Offset(sent/2))
			for _, v := range got {
				if v != fmt.Sprint(next[i]) {
					t.Fatalf("partition %d: %q, want %d", i, v, next[i])
				}
				next[i]++
			}
			if err := l.Verify(t.Context(), events.Partition(i), at); err != nil {
				t.Error(err)
			}
		}
	}
	round()
	for _, end := range []func() error{k.Kill, k.Stop} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			done <- l.Produce(ctx, []stream.Message{{Partition: 0, Value: fmt.Append(nil, sent/2)}, {Partition: 1, Value: fmt.Append(nil, sent/2)}})
		}()
		time.Sleep(time.Second)
		if err := k.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		sent += 2
		round()
		w.becomes(map[string]int{"a": 2})
	}
	grow(t, k.Addr, name, 4)
	w.becomes(map[string]int{"a": 4})
}
