package stream_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"headcount/endtoend/apachekafka"
	"headcount/events"
	"headcount/events/stream"
	"headcount/events/stream/broker"
)

// brokerChild names the folder over which this test binary, run as a child, is a broker until it is killed.
const brokerChild = "HEADCOUNT_TEST_BROKER_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(brokerChild); dir != "" {
		b, err := broker.Start(context.Background(), broker.Config{Addr: os.Getenv("HEADCOUNT_TEST_BROKER_ADDR"), DataDir: dir})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(b.Addr())
		select {}
	}
	os.Exit(run(m))
}

// run starts the Apache Kafka that HEADCOUNT_KAFKA=start asks for, one for all tests.
func run(m *testing.M) int {
	switch addr := os.Getenv(apachekafka.Env); addr {
	case "":
	case "start":
		k, err := apachekafka.Start(context.Background(), apachekafka.Config{})
		if err != nil {
			fmt.Println(err)
			return 1
		}
		defer k.Close()
		kafkaAddr = k.Addr
	default:
		kafkaAddr = addr
	}
	return m.Run()
}

// kafkaAddr is the Apache Kafka to test against; empty: the embedded broker.
var kafkaAddr string

// childBroker runs a broker in a process of its own.
func childBroker(t *testing.T, dir, addr string) (string, func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), brokerChild+"="+dir, "HEADCOUNT_TEST_BROKER_ADDR="+addr)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := func() {
		cmd.Process.Kill()
		cmd.Wait()
	}
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "127.") {
		t.Fatalf("child: %q, %v", line, err)
	}
	return strings.TrimSpace(line), kill
}

// What the broker has accepted is there after SIGKILL, with the same cluster and topic ids.
func TestBrokerOutlivesKill(t *testing.T) {
	dir := t.TempDir()
	addr, kill := childBroker(t, dir, "127.0.0.1:0")
	name, l := topic(t, addr, 3)
	before, err := l.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	old := time.Date(2020, 1, 15, 0, 0, 0, 0, time.UTC)
	var sent int
	send := func() {
		var ms []stream.Message
		for range 1000 {
			ms = append(ms, stream.Message{Partition: events.Partition(sent % 3), Value: fmt.Append(nil, sent), Time: old})
			sent++
		}
		produce(t, l, ms...)
	}
	for range 3 {
		send()
		kill()
		_, kill = childBroker(t, dir, addr)
		send()
	}
	after, err := dial(t, config(t, addr, name)).Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if after.ID != before.ID || after.Cluster != before.Cluster || len(after.Partitions) != 3 {
		t.Errorf("after: %+v, before: %+v", after, before)
	}
	if before.Cluster == "kfake" || before.Cluster == "" {
		t.Errorf("cluster id %q", before.Cluster)
	}
	r := l.NewReader(t.Context())
	defer r.Close()
	for p := range events.Partition(3) {
		pr := r.Open(p, fresh)
		got, _ := read(t, pr, events.Offset(sent/3))
		for i, v := range got {
			if want := fmt.Sprint(i*3 + int(p)); v != want {
				t.Fatalf("partition %d offset %d: %q, want %q", p, i, v, want)
			}
		}
		pr.Close()
	}
	kill()
	b, err := broker.Start(t.Context(), broker.Config{Addr: addr, DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := broker.Start(t.Context(), broker.Config{Addr: "127.0.0.1:0", DataDir: dir}); !errors.Is(err, broker.ErrRunning) {
		t.Errorf("a second broker over the folder: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	// Stopped in good order, it comes back as well.
	childBroker(t, dir, addr)
	send()
	o, err := l.Offsets(t.Context())
	if err != nil || o[0].End+o[1].End+o[2].End != events.Offset(sent) || o[0].Start != 0 {
		t.Errorf("offsets %v, %v, want %d in all", o, err, sent)
	}
}

func TestBrokerAdvertisesItsName(t *testing.T) {
	b, err := broker.Start(t.Context(), broker.Config{Addr: "localhost:0", DataDir: t.TempDir(), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if !strings.HasPrefix(b.Addr(), "localhost:") {
		t.Errorf("address %q", b.Addr())
	}
	_, l := topic(t, b.Addr(), 1)
	produce(t, l, stream.Message{Value: []byte("x")})
}
