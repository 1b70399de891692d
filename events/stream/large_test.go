package stream

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"headcount/events"
	"headcount/events/stream/batch"
	"headcount/events/stream/batch/batchtest"
)

// large makes a batch of values of those sizes at offset 5, and others behind it.
func large(t testing.TB, compression string, sizes ...int) []byte {
	t.Helper()
	var w batch.Writer
	rnd := rand.New(rand.NewPCG(1, 2))
	var ms []*Message
	for i, size := range sizes {
		value := bytes.Repeat([]byte{'a' + byte(i%26)}, size)
		for j := 0; j < size; j += 1000 {
			value[j] = byte(rnd.Uint32())
		}
		ms = append(ms, &Message{Key: fmt.Appendf(nil, "key %d", i), Value: value, Time: time.UnixMilli(1000 + int64(i)),
			Headers: []Header{{Key: "h", Value: []byte("x")}, {Key: "none"}}})
	}
	b, err := w.Write(ms, 5, compression)
	if err != nil {
		t.Fatal(err)
	}
	return append(bytes.Clone(b), batchtest.Plain(5+int64(len(sizes)), "behind").Bytes()...)
}

// TestLargeBatches: a batch gives the same records, and the same is refused, whether it is held as a whole or read piece by piece, with
// whatever it is compressed, and from whatever offset.
func TestLargeBatches(t *testing.T) {
	many := make([]int, 140_000) // more than are taken apart at once
	mixed := []int{10, 3 << 20, 0, 900_000, 5, 2 << 20, 7}
	long := []int{10, 15 << 20, 20 << 20, 1, 16<<20 - 100, 17 << 20, 30}
	for _, compression := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		for name, sizes := range map[string][]int{"many": many, "mixed": mixed, "long": long} {
			if name == "many" && compression != "lz4" {
				continue
			}
			t.Run(compression+", "+name, func(t *testing.T) {
				data := large(t, compression, sizes...)
				for _, from := range []events.Offset{5, 8} {
					records, refused, at, err := readRecords(128<<20, data, from)
					pieces, refusedToo, atToo, errToo := readRecords(1<<20, data, from)
					if err != nil || errToo != nil {
						t.Fatal(err, errToo)
					}
					if !slices.EqualFunc(records, pieces, sameRecord) || fmt.Sprint(offsetsOf(refused)) != fmt.Sprint(offsetsOf(refusedToo)) || at != atToo {
						t.Fatalf("from %d: %d records, %d refused, at %+v; piece by piece %d, %d, %+v", from, len(records), len(refused), at, len(pieces), len(refusedToo), atToo)
					}
					want := 0
					for i, size := range sizes {
						if size <= 16<<20-60 && 5+events.Offset(i) >= from {
							if rec := records[want]; rec.Offset != 5+events.Offset(i) || len(rec.Value) != size || rec.Timestamp != 1000+int64(i) || rec.HeaderCount != 2 || string(rec.Key) != fmt.Sprintf("key %d", i) {
								t.Fatalf("record %d: offset %d, %d bytes", i, rec.Offset, len(rec.Value))
							}
							want++
						}
					}
					if want++; len(records) != want {
						t.Errorf("from %d: %d records, want %d", from, len(records), want)
					}
					if name != "long" {
						continue
					}
					offsets := []events.Offset{7, 10}
					if from > 7 {
						offsets = offsets[1:]
					}
					if len(refused) != len(offsets) || refused[0].First != offsets[0] {
						t.Errorf("from %d: refused %v, want %d", from, offsetsOf(refused), offsets)
					}
				}
			})
		}
	}
}

func sameRecord(a, b events.Record) bool {
	return a.Offset == b.Offset && a.Timestamp == b.Timestamp && bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Value, b.Value) &&
		(a.Key == nil) == (b.Key == nil) && (a.Value == nil) == (b.Value == nil) && bytes.Equal(a.Headers, b.Headers) && a.HeaderCount == b.HeaderCount
}

func offsetsOf(all []Refused) (text []string) {
	for _, x := range all {
		text = append(text, fmt.Sprintf("%d–%d: %s, %d bytes", x.First, x.Last, x.Reason, x.Bytes))
	}
	return text
}

// What is refused for its size has its beginning kept, and how large it was.
func TestLongRecord(t *testing.T) {
	var w batch.Writer
	key, value := bytes.Repeat([]byte("k"), 3<<20), bytes.Repeat([]byte("v"), 30<<20)
	b, err := w.Write([]*Message{{Key: []byte("a"), Value: []byte("b")}, {Key: key, Value: value, Time: time.UnixMilli(77)}, {Value: value}, {Key: value}}, 5, "zstd")
	if err != nil {
		t.Fatal(err)
	}
	records, refused, _, err := readRecords(64<<20, b, 5)
	if err != nil || len(records) != 1 || len(refused) != 3 {
		t.Fatalf("%d records, refused %v, %v", len(records), offsetsOf(refused), err)
	}
	if x := refused[0]; x.First != 6 || x.Last != 6 || x.Reason != events.OverLimit || x.Timestamp != 77 || x.Bytes != 33<<20 || string(x.Key) != string(key[:1<<20]) || string(x.Value) != string(value[:1<<20]) {
		t.Errorf("refused %v, time %d, %d and %d bytes kept", offsetsOf(refused[:1]), x.Timestamp, len(x.Key), len(x.Value))
	}
	if refused[1].Key != nil || refused[2].Value != nil {
		t.Error("what is null is there")
	}
}

// TestBrokenPieceByPiece: a batch that is broken behind its first pieces gives none of them, and all of its offsets are refused once.
func TestBrokenPieceByPiece(t *testing.T) {
	sizes := make([]int, 4000)
	for i := range sizes {
		sizes[i] = 1000
	}
	sizes[2000] = 17 << 20
	content := func(spoil func(b []byte) []byte) []byte {
		b := large(t, "none", sizes...)
		var h batch.Header
		if err := batch.ReadHeader(b, &h); err != nil {
			t.Fatal(err)
		}
		return spoil(b[batch.HeaderSize:h.Size:h.Size])
	}
	cut := func(b []byte) []byte { return b[:len(b)-20] }
	more := func(b []byte) []byte { return append(b, 14, 0, 0, 0, 0, 0, 0, 0) }
	for name, raw := range map[string][]byte{"fewer than it says": content(cut), "more than it says": content(more),
		"a long record that lies": content(func(b []byte) []byte {
			i := bytes.Index(b, []byte("key 2000")) // behind it the value's length, which the headers follow
			b[i+len("key 2000")]++
			return b
		})} {
		for codec, pack := range map[int16]func([]byte) []byte{0: func(b []byte) []byte { return b }, 1: gzipped, 2: func(b []byte) []byte { return s2.EncodeSnappy(nil, b) }, 4: zstded(zstd.SpeedFastest)} {
			b := batchtest.Batch{Base: 5, Magic: 2, Attributes: codec, LastDelta: 3999, Count: 4000, Content: pack(raw)}
			records, refused, at, err := readRecords(1<<20, append(b.Bytes(), batchtest.Plain(4005, "behind").Bytes()...), 5)
			if err != nil || len(records) != 1 || len(refused) != 1 || refused[0].First != 5 || refused[0].Last != 4004 || refused[0].Reason != events.BrokenBatch || at.Offset != 4006 {
				t.Errorf("%s, codec %d: %d records, refused %v, at %d, %v", name, codec, len(records), offsetsOf(refused), at.Offset, err)
			}
		}
	}
	whole := content(func(b []byte) []byte { return b })
	for codec, packed := range map[int16][]byte{1: gzipped(whole), 4: zstded(zstd.SpeedFastest)(whole)} {
		b := batchtest.Batch{Base: 5, Magic: 2, Attributes: codec, LastDelta: 3999, Count: 4000, Content: packed[:len(packed)-3]} // within the stream's own checksum
		if records, refused, _, err := readRecords(1<<20, b.Bytes(), 5); err != nil || len(records) != 0 || len(refused) != 1 {
			t.Errorf("codec %d, cut: %d records, refused %v, %v", codec, len(records), offsetsOf(refused), err)
		}
	}
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

// zstded packs as a stream, as producers do: a frame that says its window and not its content's size.
func zstded(level zstd.EncoderLevel, options ...zstd.EOption) func(b []byte) []byte {
	return func(b []byte) []byte {
		var out bytes.Buffer
		w, err := zstd.NewWriter(&out, append(options, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1))...)
		if err != nil {
			panic(err)
		}
		for len(b) > 0 {
			n := min(len(b), 100_000)
			_, _ = w.Write(b[:n])
			if n == 100_000 {
				_ = w.Flush()
			}
			b = b[n:]
		}
		_ = w.Close()
		return out.Bytes()
	}
}

// TestWindows: zstd's windows up to its highest level's are read, whatever a batch may unpack to at once; wider ones are refused.
func TestWindows(t *testing.T) {
	var ms []*Message
	for range 40 {
		ms = append(ms, &Message{Value: bytes.Repeat([]byte("v"), 100_000)})
	}
	var w batch.Writer
	plain, err := w.Write(ms, 0, "none")
	if err != nil {
		t.Fatal(err)
	}
	content := bytes.Clone(plain[batch.HeaderSize:])
	for _, log := range []int{20, 23, 26, 27, 28} {
		packed := zstded(zstd.SpeedFastest, zstd.WithWindowSize(1<<log))(content)
		if packed[4]&1<<5 != 0 || packed[5] != byte(log-10)<<3 {
			t.Fatalf("the frame says % x, not a window of 2^%d", packed[:8], log)
		}
		b := batchtest.Batch{Base: 5, Magic: 2, Attributes: 4, LastDelta: 39, Count: 40, Content: packed}
		for _, maxBatch := range []int{1 << 20, 4 << 20, 64 << 20, 1 << 30} {
			records, refused, _, err := readRecords(maxBatch, b.Bytes(), 5)
			if want := log <= 27; err != nil || (len(records) == 40) != want || (len(refused) == 1) == want {
				t.Errorf("window 2^%d, at most %d bytes: %d records, refused %v, %v", log, maxBatch, len(records), offsetsOf(refused), err)
			}
		}
	}
}

// TestBomb: what unpacks to more than 2 GiB is broken; what unpacks to as much is read, in little memory.
func TestBomb(t *testing.T) {
	if testing.Short() {
		t.Skip("unpacks 4 GiB")
	}
	const value = 64<<20 - 1<<10
	record := func(delta int64) []byte {
		b := binary.AppendVarint([]byte{0, 0}, delta)
		b = binary.AppendVarint(append(b, 1), value)
		b = append(b, make([]byte, value+1)...)
		return zstded(zstd.SpeedFastest)(append(binary.AppendVarint(nil, int64(len(b))), b...))
	}
	var content []byte
	for n := range int32(33) {
		content = append(content, record(int64(n))...)
		if n < 31 {
			continue
		}
		b := batchtest.Batch{Base: 5, Magic: 2, Attributes: 4, LastDelta: n, Count: n + 1, Content: content}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, refused, at, err := readRecords(1<<20, b.Bytes(), 5)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 200<<20 {
			t.Errorf("%d bytes of memory taken", took)
		}
		want := 32 // records that are too long
		if n == 32 {
			want = 1
		}
		if err != nil || len(refused) != want || refused[want-1].Last != 5+events.Offset(n) || (refused[0].Reason == events.BrokenBatch) != (want == 1) || at.Offset != 6+events.Offset(n) {
			t.Errorf("%d records: refused %v, at %d, %v", n+1, offsetsOf(refused), at.Offset, err)
		}
	}
}

// TestOneLargeBatchAtATime: while one is out the next waits, as long as its context lasts.
func TestOneLargeBatchAtATime(t *testing.T) {
	data := large(t, "zstd", 3<<20, 3<<20)
	open := func() *PartitionReader {
		r := &Reader{log: &Log{config: Config{Topic: "t", MaxBatchBytes: 1 << 20}.filled()}}
		p := &PartitionReader{r: r, id: 3, next: 5}
		p.current, p.rest = &chunk{data: bytes.Clone(data)}, data
		p.abort.Start(nil)
		return p
	}
	first, second := open(), open()
	b, err := first.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	brief, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := second.Next(brief); err == nil || !strings.Contains(err.Error(), "deadline") {
		t.Fatalf("both are out: %v", err)
	}
	b.Release()
	if b, err = second.Next(t.Context()); err != nil || b.Records == nil {
		t.Fatal(err)
	}
	b.Release()
}
