package recount

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	theirs "headcount/events/stream/batch"
	"headcount/events/stream/batch/batchtest"
)

// readWhole reads a batch and says what it holds.
func readWhole(t *testing.T, b []byte) (records []string, refused []Refused) {
	t.Helper()
	x, rest, err := readBatch(b, 3)
	if err != nil || len(rest) > 0 {
		t.Fatalf("%v, %d bytes behind it", err, len(rest))
	}
	more, err := x.read(&unpacker{}, func(rec *kgo.Record) (bool, error) {
		text := fmt.Sprintf("%d %d %q %q", rec.Offset, rec.Timestamp.UnixMilli(), rec.Key, rec.Value)
		for _, h := range rec.Headers {
			text += fmt.Sprintf(" %q=%q", h.Key, h.Value)
		}
		records = append(records, text)
		return true, nil
	}, func(r *Refused) (bool, error) {
		refused = append(refused, *r)
		return true, nil
	})
	if err != nil || !more {
		t.Fatal(more, err)
	}
	return records, refused
}

// readThere is readWhole by the other implementation; broken: it refuses all of the batch.
func readThere(b []byte) (records []string, broken bool, err error) {
	all, _, err := theirs.NewReader(theirs.MostUnpacked).Read(b)
	if errors.Is(err, theirs.ErrTooLarge) {
		return nil, false, err
	}
	for _, r := range all {
		text := fmt.Sprintf("%d %d %q %q", r.Offset, r.Timestamp, r.Key, r.Value)
		headers := r.EncodedHeaders()
		for range r.HeaderCount {
			name, value, _ := headers.Next()
			text += fmt.Sprintf(" %q=%q", name, value)
		}
		records = append(records, text)
	}
	return records, err != nil, nil
}

// TestBatchesAlike: both implementations read the same of a batch, however it is spoilt.
func TestBatchesAlike(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	alike := func(b []byte) {
		t.Helper()
		want, broken, err := readThere(b)
		if err != nil {
			return
		}
		got, refused := readWhole(t, b)
		if broken != (len(refused) == 1) || !broken && fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("% x\nthere %q, broken %t\nhere %q, refused %v", b, want, broken, got, refused)
		}
	}
	for _, c := range batchtest.AllBroken() {
		if c.Producer {
			alike(c.Data)
		}
	}
	var w theirs.Writer
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		for n := 1; n < 300; n *= 5 {
			var ms []*theirs.Message
			for i := range n {
				ms = append(ms, &theirs.Message{Key: fmt.Appendf(nil, "key %d", i), Value: bytes.Repeat([]byte("ab"), i%40), Time: time.UnixMilli(int64(1000 + i)),
					Headers: []theirs.RecordHeader{{Key: "h", Value: []byte("v")}, {Key: "null"}}})
			}
			ms[0].Key, ms[n-1].Value = nil, nil
			b, err := w.Write(ms, 7, codec)
			if err != nil {
				t.Fatal(err)
			}
			alike(b)
			for range 300 {
				spoilt := bytes.Clone(b)
				for range 1 + rnd.IntN(2) {
					at := 61 + rnd.IntN(len(spoilt)-61)
					if rnd.IntN(2) == 0 && len(spoilt) > 130 {
						at = 61 + rnd.IntN(60)
					}
					spoilt[at] ^= 1 << rnd.IntN(8)
				}
				batchtest.MendCRC(spoilt)
				alike(spoilt)
			}
		}
	}
}

// TestLongRecords: records that are too long are refused by their offsets, whatever the batch unpacks to, and little memory is taken.
func TestLongRecords(t *testing.T) {
	var ms []*theirs.Message
	for i := range 8 {
		ms = append(ms, &theirs.Message{Value: make([]byte, []int{100, 30 << 20}[i%2])})
	}
	var w theirs.Writer
	b, err := w.Write(ms, 7, "zstd")
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	records, refused := readWhole(t, b)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 40<<20 {
		t.Errorf("%d bytes of memory taken for records of 100 bytes", took)
	}
	if len(records) != 4 || len(refused) != 4 || refused[3] != (Refused{3, 14, 14, true}) {
		t.Errorf("%d records, refused %v", len(records), refused)
	}
}
