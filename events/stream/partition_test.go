package stream

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"headcount/events"
	"headcount/events/stream/batch"
	"headcount/events/stream/batch/batchtest"
)

// readAll puts bytes through a partition reader as one fetch's answer, from an offset, and returns the records, where reading
// stands after, and the error.
func readAll(t testing.TB, data []byte, from events.Offset, list ...batch.Aborted) (values []string, at Position, err error) {
	t.Helper()
	records, _, at, err := readRecords(1<<20, data, from, list...)
	for _, r := range records {
		values = append(values, string(r.Value))
	}
	return values, at, err
}

// readRecords is readAll by a reader that holds batches of that many bytes; refused is what it got for no record.
func readRecords(maxBatch int, data []byte, from events.Offset, list ...batch.Aborted) (records []events.Record, refused []Refused, at Position, err error) {
	r := &Reader{log: &Log{config: Config{Topic: "t", MaxBatchBytes: maxBatch}.filled()}}
	p := &PartitionReader{r: r, id: 3, next: from}
	p.current, p.rest = &chunk{data: data}, data
	p.abort.Start(list)
	at = Position{Offset: from, BatchOffset: -1, LeaderEpoch: -1}
	for {
		found, err := p.read(context.Background())
		if err != nil || !found {
			return records, refused, at, err
		}
		for more := true; more; {
			for _, rec := range p.batch.Records {
				rec.Key, rec.Value, rec.Headers = bytes.Clone(rec.Key), bytes.Clone(rec.Value), bytes.Clone(rec.Headers)
				records = append(records, rec)
			}
			if x := p.batch.Refused; x != nil {
				refused = append(refused, *x)
			}
			if more, err = p.batch.More(); err != nil {
				return records, refused, at, err
			}
		}
		at = p.batch.Position()
	}
}

func TestBatches(t *testing.T) {
	control := func(base, producer int64, kind byte) batchtest.Batch {
		return batchtest.Batch{Base: base, Magic: 2, Attributes: batchtest.Control | batchtest.Transactional, Producer: producer, Count: 1,
			Content: batchtest.Record(0, 0, string([]byte{0, 0, 0, kind}), "\x00\x00\x00\x00\x00\x00")}
	}
	transactional := func(base, producer int64, values ...string) batchtest.Batch {
		return batchtest.Plain(base, values...).With(func(r *batchtest.Batch) { r.Attributes, r.Producer = batchtest.Transactional, producer })
	}
	for _, c := range []struct {
		name    string
		data    []byte
		from    events.Offset
		aborted []batch.Aborted
		want    []string
		next    events.Offset
		batch   events.Offset // base of the last batch
	}{
		{"nothing", nil, 5, nil, nil, 5, -1},
		{"one", batchtest.Join(batchtest.Plain(5, "a", "b")), 5, nil, []string{"a", "b"}, 7, 5},
		{"from within", batchtest.Join(batchtest.Plain(5, "a", "b", "c")), 6, nil, []string{"b", "c"}, 8, 5},
		{"read before", batchtest.Join(batchtest.Plain(5, "a"), batchtest.Plain(6, "b")), 6, nil, []string{"b"}, 7, 6},
		{"the last is cut in its content", batchtest.Join(batchtest.Plain(5, "a"), batchtest.Plain(6, "bcdef"))[:61+9+61+4], 5, nil, []string{"a"}, 6, 5},
		{"the last is cut in its header", batchtest.Join(batchtest.Plain(5, "a"), batchtest.Plain(6, "b"))[:61+9+20], 5, nil, []string{"a"}, 6, 5},
		{"the last is cut before its length", batchtest.Join(batchtest.Plain(5, "a"), batchtest.Plain(6, "b"))[:61+9+3], 5, nil, []string{"a"}, 6, 5},
		{"emptied by compaction", batchtest.Join(batchtest.Batch{Base: 5, Magic: 2, LastDelta: 9}), 5, nil, nil, 15, 5},
		{"thinned by compaction", batchtest.Join(batchtest.Plain(5, "a", "b").With(func(r *batchtest.Batch) { r.LastDelta = 20 })), 5, nil, []string{"a", "b"}, 26, 5},
		{"a hole between batches", batchtest.Join(batchtest.Plain(5, "a"), batchtest.Plain(50, "b")), 5, nil, []string{"a", "b"}, 51, 50},
		{"control", batchtest.Join(batchtest.Plain(5, "a"), control(6, 1, 1), batchtest.Plain(7, "b")), 5, nil, []string{"a", "b"}, 8, 7},
		{"only control", batchtest.Join(control(5, 1, 1)), 5, nil, nil, 6, 5},
		{"committed", batchtest.Join(transactional(5, 1, "a"), control(6, 1, 1)), 5, nil, []string{"a"}, 7, 6},
		{"aborted", batchtest.Join(transactional(5, 1, "a", "b"), control(7, 1, 0), transactional(8, 1, "c"), control(9, 1, 1)), 5,
			[]batch.Aborted{{Producer: 1, First: 5}}, []string{"c"}, 10, 9},
		{"aborted, among others", batchtest.Join(transactional(5, 1, "a"), transactional(6, 2, "b"), batchtest.Plain(7, "c"), control(8, 1, 0), control(9, 2, 1)), 5,
			[]batch.Aborted{{Producer: 1, First: 5}}, []string{"b", "c"}, 10, 9},
		{"aborted twice, listed out of order", batchtest.Join(transactional(5, 1, "a"), control(6, 1, 0), transactional(7, 1, "b"), control(8, 1, 1),
			transactional(9, 1, "c"), control(10, 1, 0)), 5, []batch.Aborted{{Producer: 1, First: 9}, {Producer: 1, First: 5}}, []string{"b"}, 11, 10},
		{"aborted before the fetch", batchtest.Join(transactional(5, 1, "a"), control(6, 1, 0)), 5, []batch.Aborted{{Producer: 1, First: 2}}, nil, 7, 6},
		{"aborted before where reading begins", batchtest.Join(transactional(5, 1, "a"), control(6, 1, 0), transactional(7, 1, "b"), control(8, 1, 1)), 7,
			[]batch.Aborted{{Producer: 1, First: 5}}, []string{"b"}, 9, 8},
		{"not transactional, though its producer aborted", batchtest.Join(batchtest.Plain(5, "a").With(func(r *batchtest.Batch) { r.Producer = 1 })), 5, []batch.Aborted{{Producer: 1, First: 2}}, []string{"a"}, 6, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, at, err := readAll(t, c.data, c.from, c.aborted...)
			if err != nil || !slices.Equal(got, c.want) || at.Offset != c.next || at.BatchOffset != c.batch {
				t.Errorf("got %q, position %+v, %v; want %q, next %d, batch %d", got, at, err, c.want, c.next, c.batch)
			}
		})
	}
}

// TestBatchesThatMakeNoSense: what the way to us spoilt halts, what the producer broke is refused by its offsets, and what comes behind it is
// read.
func TestBatchesThatMakeNoSense(t *testing.T) {
	for _, c := range batchtest.AllBroken() {
		t.Run(c.Name, func(t *testing.T) {
			data := append(batchtest.Join(batchtest.Plain(4, "before")), c.Data...)
			if !c.Producer {
				got, at, err := readAll(t, data, 4)
				var corrupt *CorruptError
				if !errors.As(err, &corrupt) || !strings.Contains(err.Error(), c.Want) {
					t.Errorf("error %v, want one of %q", err, c.Want)
				}
				if !slices.Equal(got, []string{"before"}) || at.Offset != 5 {
					t.Errorf("before it: %q, then at %d", got, at.Offset)
				}
				return
			}
			var h batch.Header
			if err := batch.ReadHeader(c.Data, &h); err != nil {
				t.Fatal(err)
			}
			data = append(data, batchtest.Plain(int64(h.Next()), "behind").Bytes()...)
			for _, from := range []events.Offset{4, 5, min(6, h.Next()-1)} {
				records, refused, at, err := readRecords(1<<20, data, from)
				if err != nil || len(refused) != 1 || string(records[len(records)-1].Value) != "behind" || at.Offset != h.Next()+1 {
					t.Fatalf("from %d: %d records, refused %+v, then at %d, %v", from, len(records), refused, at.Offset, err)
				}
				if x := refused[0]; x.First != max(5, from) || x.Last != h.Next()-1 || x.Reason != events.BrokenBatch {
					t.Errorf("from %d: refused %+v", from, x)
				}
			}
		})
	}
}

// What an error tells an operator to do helps.
func TestCorruptRemedies(t *testing.T) {
	for want, data := range map[string][]byte{
		"copy the topic":          batchtest.Plain(5, "a").With(func(b *batchtest.Batch) { b.Magic = 1 }).Bytes(),
		"repaired from a replica": batchtest.Plain(5, "a").With(func(b *batchtest.Batch) { b.CRCOff = 1 }).Bytes(),
	} {
		_, _, err := readAll(t, data, 5)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want one that says %q", err, want)
		}
		if err != nil && want != "repaired from a replica" && strings.Contains(err.Error(), "replica") {
			t.Errorf("%v: no replica is better", err)
		}
	}
}

// A record costs no allocation, however many a batch holds.
func TestNoAllocationPerRecord(t *testing.T) {
	var ms []*Message
	for range 1000 {
		ms = append(ms, &Message{Key: []byte("key"), Value: []byte("value"), Headers: []Header{{Key: "h", Value: []byte("x")}}})
	}
	var w batch.Writer
	data, err := w.Write(ms, 0, "none")
	if err != nil {
		t.Fatal(err)
	}
	r := &Reader{log: &Log{config: Config{Topic: "t"}.filled()}}
	p := &PartitionReader{r: r}
	c := &chunk{data: data}
	if n := testing.AllocsPerRun(100, func() {
		p.current, p.rest, p.next = c, data, 0
		if found, err := p.read(context.Background()); !found || err != nil || len(p.batch.Records) != 1000 {
			t.Fatal(found, err, len(p.batch.Records))
		}
		p.release()
	}); n > 1 {
		t.Errorf("%v allocations for a batch of 1000 records", n)
	}
}
