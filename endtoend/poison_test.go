package endtoend

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"headcount/events/stream/batch/batchtest"
)

// Whoever may produce one batch stops no partition: not with 100 KB that unpack to 100 MB, not with a stream that is broken or records that are not
// what the batch says. Each is a dead letter by its offsets, what lies behind it counts, and both implementations agree on it, however much
// memory they are given.
func TestPoison(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("unpacks gigabytes")
	}
	onEmbedded(t) // Apache Kafka takes no batch that it cannot take apart
	s := newSite(t, oneAccount, nil)
	s.withoutGroup()
	const march = "2025-03-10T00:00:00Z"
	one := func(guid string) []byte {
		return event("minigame.open", "one", guid, march).Value
	}
	var values [][]byte
	for i := range 3000 {
		values = append(values, one(fmt.Sprintf("wide-%d", i)))
	}
	filled := func(size int) []byte { // an event that takes that many bytes
		v := one("large")
		return append(append(v[:len(v)-1:len(v)-1], `,"data":"`+strings.Repeat("x", size)...), `"}`...)
	}
	long := slices.Concat(rawRecord(0, one("before")), rawRecord(1, make([]byte, 100<<20)), rawRecord(2, filled(2<<20)), rawRecord(3, one("after")))
	good := slices.Concat(rawRecord(0, one("never-0")), rawRecord(1, one("never-1")))
	for i, b := range []batchtest.Batch{
		{Attributes: 1, Count: 4, Content: gzipped(long)},                        // offsets 0–3, of which 1 and 2 are too long
		{Attributes: 4, Count: 3000, Content: wide(rawRecords(values))},          // 4–3003, of a window of 128 MiB
		{Attributes: 1, Count: 2, Content: gzipped(good)[:40]},                   // 3004–3005
		{Attributes: 0, Count: 3, Content: good},                                 // 3006–3008: fewer than it says
		{Attributes: 0, Count: 2, Content: append(bytes.Clone(good), "more"...)}, // 3009–3010
		{Attributes: 0, Count: 2, Content: append([]byte{1}, good...)},           // 3011–3012: a record of −1 bytes
		{Attributes: 3, Count: 2, Content: good},                                 // 3013–3014: no lz4
		{Attributes: 0, Count: 1, Content: rawRecord(0, one("last"))},
	} {
		b.Magic, b.LastDelta, b.First, b.Max, b.Producer, b.Epoch = 2, b.Count-1, 1741564800000, 1741564800000, -1, -1
		s.produceRaw(i, 1, b.Bytes())
	}
	const rejected = 2 + 2 + 3 + 2 + 2 + 2
	counted := func() usage {
		u := decode[usage](t, s.ok("rollup", "status", "--month", "2025-03", "--json"))
		if len(u.Usage) != 1 || u.Usage[0].Events != 3003 || u.Usage[0].Kinds["open"].Exact != 3003 || u.Usage[0].Rejected != 1 || u.Rejected != rejected-1 {
			t.Fatalf("counted %+v, %d rejected", u.Usage, u.Rejected)
		}
		return u
	}
	s.want(0, "ingest", "run", "--until-end").says(t, "level=ERROR", "over limit", "broken by its producer")
	first := counted()
	s.removeState()
	for range 3 { // a crash, wherever, also within the batch that comes piece by piece, is a replay
		p := s.start("ingest", "run")
		s.waitFor("counting", p.up)
		time.Sleep(rand.N(400 * time.Millisecond))
		p.kill()
	}
	s.ok("ingest", "run", "--until-end")
	if again := counted(); again.settled() != first.settled() {
		t.Error("after crashes the month is another")
	}
	s.deadLetters("over limit offset 1", "over limit offset 2", "broken offset 3004 3004–3005", "broken offset 3006 3006–3008", "broken offset 3009 3009–3010", "broken offset 3011 3011–3012", "broken offset 3013 3013–3014")

	// Counted again in as little memory as there may be, and in more than it takes.
	for _, most := range []string{"1048576", "1073741824"} {
		s.config["kafka"] = strings.Replace(s.config["kafka"], "{", "{max_batch_bytes: "+most+", ", 1)
		s.configure()
		s.removeState()
		s.ok("ingest", "run", "--until-end")
		if again := counted(); again.settled() != first.settled() {
			t.Errorf("with max_batch_bytes at %s the month is another", most)
		}
		s.config["kafka"] = strings.Replace(s.config["kafka"], "max_batch_bytes: "+most+", ", "", 1)
	}
	s.configure()
	s.run("rollup", "close", "--month", "2025-03") // held, or not: a limit was passed
	s.ok("rollup", "verify", "--month", "2025-03")
	if text := s.ok("rollup", "explain", "--month", "2025-03", "--app", "one", "--guid", "last", "--find"); !strings.Contains(text, "3015") {
		t.Errorf("the first record of what came last:\n%s", text)
	}
}

// rawRecord is a record as in a batch, its offset that many behind the batch's.
func rawRecord(delta int64, value []byte) []byte {
	b := binary.AppendVarint([]byte{0, 0}, delta)
	b = binary.AppendVarint(append(b, 1), int64(len(value)))
	b = append(append(b, value...), 0)
	return append(binary.AppendVarint(nil, int64(len(b))), b...)
}

func rawRecords(values [][]byte) (b []byte) {
	for i, v := range values {
		b = append(b, rawRecord(int64(i), v)...)
	}
	return b
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

// wide packs as zstd's highest level does: the window is of 128 MiB, whatever is in it.
func wide(b []byte) []byte {
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out, zstd.WithWindowSize(128<<20), zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(b[:1000])
	_ = w.Flush()
	_, _ = w.Write(b[1000:])
	_ = w.Close()
	return out.Bytes()
}

// produceRaw sends a batch as it is.
func (s *site) produceRaw(n int, partition int32, b []byte) {
	s.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(s.addr))
	if err != nil {
		s.Fatal(err)
	}
	defer client.Close()
	q := kmsg.NewPtrProduceRequest()
	q.Acks, q.TimeoutMillis = -1, 30_000
	topic := kmsg.NewProduceRequestTopic()
	meta := kmsg.NewPtrMetadataRequest()
	of := kmsg.NewMetadataRequestTopic()
	of.Topic = kmsg.StringPtr(s.topic)
	meta.Topics = append(meta.Topics, of)
	known, err := meta.RequestWith(s.Context(), client)
	if err != nil {
		s.Fatal(err)
	}
	topic.Topic, topic.TopicID = s.topic, known.Topics[0].TopicID
	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = partition, b
	topic.Partitions = append(topic.Partitions, p)
	q.Topics = append(q.Topics, topic)
	a, err := q.RequestWith(s.Context(), client.Broker(int(known.Brokers[0].NodeID)))
	if err != nil {
		s.Fatal(err)
	}
	if code := a.Topics[0].Partitions[0].ErrorCode; code != 0 {
		s.Fatalf("batch %d: refused, code %d", n, code)
	}
}

// deadLetters waits until each of the letters is in the dead-letter topic, and finds no others there.
func (s *site) deadLetters(want ...string) {
	s.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(s.addr), kgo.ConsumeTopics(s.topic+".dead"))
	if err != nil {
		s.Fatal(err)
	}
	defer client.Close()
	for found := map[string]bool{}; len(found) < len(want); {
		fetches := client.PollFetches(s.Context())
		if err := fetches.Err(); err != nil {
			s.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			text, from := "", ""
			for _, h := range r.Headers {
				switch h.Key {
				case "reason":
					reason, _, _ := strings.Cut(string(h.Value), " by its producer")
					text += reason
				case "offset":
					text += " offset " + string(h.Value)
				case "first-offset":
					from = string(h.Value)
				case "last-offset":
					text += " " + from + "–" + string(h.Value)
				}
			}
			if found[text] = true; !slices.Contains(want, text) {
				s.Errorf("dead letter %q", text)
			}
		})
	}
}

func (s *site) removeState() {
	s.Helper()
	if err := os.RemoveAll(s.path("data/state")); err != nil {
		s.Fatal(err)
	}
}
