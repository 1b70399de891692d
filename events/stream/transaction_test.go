package stream_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"headcount/events/stream"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Another client writes transactions: those that it aborts do not count, and nothing past one that is open is read.
func TestTransactions(t *testing.T) {
	addr := brokerAddr(t)
	name, l := topic(t, addr, 1)
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.TransactionalID(unique("tx")), kgo.DefaultProduceTopic(name),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionTimeout(10*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var want []string
	for i := range 6 {
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for j := range 50 {
			v := fmt.Sprintf("%d/%d", i, j)
			if err := client.ProduceSync(t.Context(), kgo.StringRecord(v)).FirstErr(); err != nil {
				t.Fatal(err)
			}
			if j == 20 { // between the transaction's records, one that is not of it
				produce(t, l, stream.Message{Value: []byte("plain")})
				if i%2 == 1 {
					want = append(want, "plain")
				}
			}
			if i%2 == 0 {
				want = append(want, v)
				if j == 20 {
					want = append(want, "plain")
				}
			}
		}
		if err := client.EndTransaction(t.Context(), kgo.TransactionEndTry(i%2 == 0)); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(t.Context(), kgo.StringRecord("undecided")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	produce(t, l, stream.Message{Value: []byte("behind it")})
	o, err := l.Offsets(t.Context())
	if err != nil || o[0].End != 6*52+2 || o[0].Stable != 6*52 {
		t.Fatalf("offsets %+v, %v", o[0], err)
	}
	open, err := l.OpenTransactions(t.Context(), 0)
	if err != nil || len(open) != 1 || open[0].From != o[0].Stable || open[0].ProducerID < 0 {
		t.Errorf("open transactions %v, %v, want one from offset %d on", open, err, o[0].Stable)
	}
	r := l.NewReader(t.Context())
	defer r.Close()
	p := r.Open(0, fresh)
	defer p.Close()
	got, _ := read(t, p, o[0].Stable)
	if !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
	if err := client.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
	got, _ = read(t, p, o[0].End+1)
	if !slices.Equal(got, []string{"behind it"}) {
		t.Errorf("then %q", got)
	}
	// From within an aborted transaction: the broker names it, though it began before.
	p2 := r.Open(0, stream.Position{Offset: 52 + 30, BatchOffset: -1})
	defer p2.Close()
	if got, _ := read(t, p2, 3*52); len(got) == 0 || got[0] != "2/0" {
		t.Errorf("from within an aborted transaction: %q", got)
	}
}

// What other clients write, in each codec, is read.
func TestOtherClientsCodecs(t *testing.T) {
	addr := brokerAddr(t)
	for codec, c := range map[string]kgo.CompressionCodec{"gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()} {
		t.Run(codec, func(t *testing.T) {
			name, l := topic(t, addr, 1)
			client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.DefaultProduceTopic(name), kgo.ProducerBatchCompression(c), kgo.ProducerLinger(20*time.Millisecond))
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			var want []string
			var rs []*kgo.Record
			for i := range 3000 {
				want = append(want, fmt.Sprintf("a value, the same each time but for its number, which is %d", i))
				rs = append(rs, kgo.StringRecord(want[i]))
			}
			if err := client.ProduceSync(t.Context(), rs...).FirstErr(); err != nil {
				t.Fatal(err)
			}
			r := l.NewReader(t.Context())
			defer r.Close()
			p := r.Open(0, fresh)
			defer p.Close()
			if got, _ := read(t, p, 3000); !slices.Equal(got, want) {
				t.Errorf("read %d values", len(got))
			}
		})
	}
}

func TestCheck(t *testing.T) {
	addr := brokerAddr(t)
	name := unique("checked")
	c := config(t, addr, name)
	c.Group = "group-of-" + name
	l := dial(t, c)
	verdicts := func() map[string]string {
		m := map[string]string{}
		for _, f := range l.Check(t.Context()) {
			m[f.Check] = string(f.Verdict)
			if f.Verdict != stream.Pass && (f.Remedy == "" || f.Detail == "") {
				t.Errorf("finding without a remedy: %+v", f)
			}
		}
		return m
	}
	expect := func(want map[string]string) {
		t.Helper()
		got := verdicts()
		for check, v := range want {
			if got[check] != v {
				t.Errorf("%s: %q, want %q (of %v)", check, got[check], v, got)
			}
		}
	}
	expect(map[string]string{"topic": "fail"})
	if _, err := l.CreateTopic(t.Context(), name, 2, map[string]string{"retention.ms": "604800000", "cleanup.policy": "compact"}); err != nil {
		t.Fatal(err)
	}
	expect(map[string]string{"topic": "ok", "retention": "fail", "compaction": "fail", "timestamps": "fail", "replication": "warn",
		"log": "ok", "permissions": "ok", "dead letters": "fail", "group": "ok"})
	name = unique("good")
	c.Topic = name
	l = dial(t, c)
	for _, topic := range []string{name, stream.DeadTopic(name)} {
		created, err := l.CreateTopic(t.Context(), topic, 2, map[string]string{"retention.ms": "-1", "message.timestamp.type": "LogAppendTime"})
		if err != nil || !created {
			t.Fatal(created, err)
		}
		if created, err = l.CreateTopic(t.Context(), topic, 2, nil); created || err != nil {
			t.Errorf("a second time: %v, %v", created, err)
		}
	}
	expect(map[string]string{"topic": "ok", "retention": "ok", "compaction": "ok", "timestamps": "ok", "log": "ok", "permissions": "ok", "dead letters": "ok"})
}

// Where the topic says LogAppendTime, a record's time is the broker's.
func TestLogAppendTime(t *testing.T) {
	if kafkaAddr == "" {
		t.Skip("needs Apache Kafka (HEADCOUNT_KAFKA=start): the embedded broker keeps the producer's times")
	}
	addr := brokerAddr(t)
	name := unique("stamped")
	l := dial(t, config(t, addr, name))
	if _, err := l.CreateTopic(t.Context(), name, 1, map[string]string{"message.timestamp.type": "LogAppendTime"}); err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	produce(t, l, stream.Message{Value: []byte("x"), Time: before.AddDate(-3, 0, 0)})
	r := l.NewReader(t.Context())
	defer r.Close()
	p := r.Open(0, fresh)
	b, err := p.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := time.UnixMilli(b.Records[0].Timestamp); got.Before(before.Add(-time.Minute)) {
		t.Errorf("time %v", got)
	}
}
