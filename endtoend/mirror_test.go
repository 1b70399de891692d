package endtoend

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// mirror copies the records of another site's topic, whatever they are, to the same partitions of this one's.
func (s *site) mirror(from *site) {
	s.Helper()
	in, err := kgo.NewClient(kgo.SeedBrokers(from.addr), kgo.ConsumeTopics(from.topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		s.Fatal(err)
	}
	defer in.Close()
	out, err := kgo.NewClient(kgo.SeedBrokers(s.addr), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		s.Fatal(err)
	}
	defer out.Close()
	for copied, want := 0, from.ended(from.topic); copied < want; {
		fetches := in.PollFetches(s.Context())
		if err := fetches.Err(); err != nil {
			s.Fatal(err)
		}
		var all []*kgo.Record
		fetches.EachRecord(func(r *kgo.Record) {
			all = append(all, &kgo.Record{Topic: s.topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: r.Headers, Timestamp: r.Timestamp})
		})
		if err := out.ProduceSync(s.Context(), all...).FirstErr(); err != nil {
			s.Fatal(err)
		}
		copied += len(all)
	}
}

// A topic that was copied by a mirror, seals and closed records and all, is counted, closed and verified as one of its own: what was signed for
// the other is a remark.
func TestMirroredTopic(t *testing.T) {
	t.Parallel()
	first := newSite(t, oneAccount, nil)
	first.send(nil, opens("one", "2025-03-05T10:00:00Z", 0, 100))
	first.ok("rollup", "close", "--month", "2025-03")
	first.send(nil, opens("one", "2025-03-06T10:00:00Z", 100, 105)) // late there, and counted here
	first.send(nil, opens("one", "2025-04-05T10:00:00Z", 0, 50))
	first.ok("rollup", "close", "--month", "2025-04")

	s := newSite(t, oneAccount, nil)
	s.mirror(first)
	for month, want := range map[string]int{"2025-03": 105, "2025-04": 50} {
		s.ok("ingest", "run", "--until-end")
		status := decode[usage](t, s.ok("rollup", "status", "--month", month, "--json"))
		if n := status.Usage[0].Kinds["open"].Exact; n != want {
			t.Errorf("%s: %d devices, want %d", month, n, want)
		}
	}
	for _, month := range []string{"2025-03", "2025-04"} {
		s.ok("rollup", "close", "--month", month)
		for _, how := range [][]string{nil, {"--from-sealed"}} {
			out := s.ok(append([]string{"rollup", "verify", "--month", month}, how...)...)
			if how == nil && !strings.Contains(out, "it is of another topic") {
				t.Errorf("%s: the other's seals are not remarked:\n%s", month, out)
			}
		}
	}
	s.ok("ingest", "check")
}
