package batch

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pierrec/lz4/v4"

	"headcount/endtoend/month"
	"headcount/events"
)

// monthBatches makes batches of most bytes, as lz4 leaves them, of the records of a month, as they fall to one of some partitions. With
// them comes what they hold.
func monthBatches(t testing.TB, records, most, partitions int) (batches, contents [][]byte) {
	t.Helper()
	c := month.Default()
	c.Events, c.Devices, c.Odd = 8_000_000, 889_000, 0
	g, err := month.New(c)
	if err != nil {
		t.Fatal(err)
	}
	var rec month.Record
	var e Encoder
	for records > 0 {
		var ms []*Message
		for bytes := 0; len(ms) < records; {
			if !g.Next(&rec) {
				t.Fatal("the month is over")
			}
			if int(murmur2(rec.Key)&0x7fffffff)%partitions != 0 {
				continue
			}
			if bytes += len(rec.Key) + len(rec.Value) + 16; bytes > most && len(ms) > 0 {
				break
			}
			ms = append(ms, &Message{Key: slices.Clone(rec.Key), Value: slices.Clone(rec.Value), Time: time.UnixMilli(rec.Timestamp)})
		}
		b, err := e.Encode(ms, LZ4, Producer{ID: -1}, 1)
		if err != nil {
			t.Fatal(err)
		}
		batches, contents = append(batches, bytes.Clone(b)), append(contents, bytes.Clone(e.records))
		records -= len(ms)
	}
	return batches, contents
}

// lz4Blocks compresses content in blocks of size bytes.
func lz4Blocks(t testing.TB, content []byte, size int) (blocks [][]byte) {
	t.Helper()
	var c lz4.Compressor
	for part := range slices.Chunk(content, size) {
		b := make([]byte, lz4.CompressBlockBound(len(part)))
		n, err := c.CompressBlock(part, b)
		if err != nil || n == 0 {
			t.Fatalf("%d bytes compressed to %d, %v", len(part), n, err)
		}
		blocks = append(blocks, b[:n])
	}
	return blocks
}

// BenchmarkUnpackLZ4 unpacks the batches of a month, made of few records and of many.
func BenchmarkUnpackLZ4(b *testing.B) {
	for _, most := range []int{16 << 10, 960 << 10} {
		b.Run(fmt.Sprintf("%dKiB", most>>10), func(b *testing.B) {
			const records = 40_000
			batches, _ := monthBatches(b, records, most, 4)
			u := Unpacker{Limit: 1 << 20}
			for b.Loop() {
				for _, batch := range batches {
					if _, err := u.Unpack(LZ4, batch[HeaderSize:]); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records, "ns/record")
		})
	}
}

// BenchmarkAppendRecords reads the records of a batch that has just been unpacked, time and again.
func BenchmarkAppendRecords(b *testing.B) {
	batches, contents := monthBatches(b, 3000, 960<<10, 4)
	var h Header
	if err := ReadHeader(batches[0], &h); err != nil {
		b.Fatal(err)
	}
	var records []events.Record
	for b.Loop() {
		var err error
		if records, err = AppendRecords(records[:0], &h, contents[0], 0); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(h.Count), "ns/record")
}
