package batch

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"

	"headcount/events"
	"headcount/events/stream/batch/batchtest"
)

// readBatches reads batches that follow each other, none of which may unpack to more than 1 MiB.
func readBatches(b []byte) (records []events.Record, err error) {
	r := NewReader(1 << 20)
	for len(b) > 0 {
		var some []events.Record
		if some, b, err = r.Read(b); err != nil {
			return records, err
		}
		for _, rec := range some {
			rec.Key, rec.Value, rec.Headers = bytes.Clone(rec.Key), bytes.Clone(rec.Value), bytes.Clone(rec.Headers)
			records = append(records, rec)
		}
	}
	return records, nil
}

func values(records []events.Record) (values []string) {
	for _, r := range records {
		values = append(values, string(r.Value))
	}
	return values
}

func TestBatchesThatAreBroken(t *testing.T) {
	for _, c := range batchtest.AllBroken() {
		t.Run(c.Name, func(t *testing.T) {
			got, err := readBatches(append(batchtest.Plain(4, "before").Bytes(), c.Data...))
			if err == nil || !strings.Contains(err.Error(), c.Want) {
				t.Errorf("error %v, want one of %q", err, c.Want)
			}
			if v := values(got); !slices.Equal(v, []string{"before"}) {
				t.Errorf("before it: %q", v)
			}
		})
	}
}

// TestControlBatches: what they hold is no record.
func TestControlBatches(t *testing.T) {
	mark := batchtest.Batch{Base: 6, Magic: 2, Attributes: batchtest.Control | batchtest.Transactional, Producer: 1, Count: 1,
		Content: batchtest.Record(0, 0, "\x00\x00\x00\x01", "\x00\x00\x00\x00\x00\x00")}
	got, err := readBatches(batchtest.Join(batchtest.Plain(5, "a"), mark, batchtest.Plain(7, "b")))
	if v := values(got); err != nil || !slices.Equal(v, []string{"a", "b"}) {
		t.Errorf("got %q, %v", v, err)
	}
}

func TestTimestamps(t *testing.T) {
	for attributes, want := range map[int16][]int64{0: {1000, 1001}, batchtest.LogAppendTime: {2000, 2000}} {
		b := batchtest.Plain(0, "a", "b").With(func(r *batchtest.Batch) { r.Attributes = attributes })
		records, err := readBatches(batchtest.Join(b))
		if err != nil || len(records) != 2 || records[0].Timestamp != want[0] || records[1].Timestamp != want[1] {
			t.Errorf("attributes %d: %+v, %v, want times %v", attributes, records, err, want)
		}
	}
	records, err := readBatches(batchtest.Join(batchtest.Plain(0, "a").With(func(r *batchtest.Batch) { r.Content = batchtest.Record(-3, 0, "k", "a") })))
	if err != nil || records[0].Timestamp != 997 {
		t.Errorf("%+v, %v, want time 997", records, err)
	}
}

func TestNullKeyAndValueAndHeaders(t *testing.T) {
	content := []byte{2 * 16, 0, 0, 0, 1, 1, 4, 2, 'h', 2, 'x', 8, 'n', 'u', 'l', 'l', 1}
	b := batchtest.Batch{Magic: 2, Count: 1, Content: content}
	records, err := readBatches(batchtest.Join(b))
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	r := records[0]
	if r.Key != nil || r.Value != nil || r.HeaderCount != 2 || string(r.Headers) != "\x02h\x02x\x08null\x01" {
		t.Errorf("%+v", r)
	}
}

// Each codec in the form that clients in the field write, with bombs that unpack to more than is taken.
func TestUnpack(t *testing.T) {
	xerialFrame := func(blocks ...[]byte) []byte {
		b := []byte("\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01")
		for _, block := range blocks {
			c := s2.EncodeSnappy(nil, block)
			b = binary.BigEndian.AppendUint32(b, uint32(len(c)))
			b = append(b, c...)
		}
		return b
	}
	content := batchtest.Plain(0, "a", "b").Content
	packed := func(c Codec, b []byte) []byte {
		t.Helper()
		p, err := pack(nil, c, b)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, c := range []struct {
		name  string
		codec Codec
		data  []byte
		bomb  []byte
	}{
		{"gzip", Gzip, packed(Gzip, content), packed(Gzip, make([]byte, 2<<20))},
		{"snappy", Snappy, packed(Snappy, content), packed(Snappy, make([]byte, 2<<20))},
		{"snappy, framed", Snappy, xerialFrame(content[:5], content[5:]), xerialFrame(make([]byte, 1<<20), make([]byte, 1))},
		{"lz4", LZ4, packed(LZ4, content), packed(LZ4, make([]byte, 2<<20))},
		{"zstd", Zstd, packed(Zstd, content), packed(Zstd, make([]byte, 2<<20))},
	} {
		t.Run(c.name, func(t *testing.T) {
			pack := func(data []byte) []byte {
				return batchtest.Join(batchtest.Plain(0, "a", "b").With(func(r *batchtest.Batch) { r.Attributes, r.Content = int16(c.codec), data }))
			}
			got, err := readBatches(pack(c.data))
			if v := values(got); err != nil || !slices.Equal(v, []string{"a", "b"}) {
				t.Errorf("got %q, %v", v, err)
			}
			_, err = readBatches(pack(c.bomb))
			if err == nil || !strings.Contains(err.Error(), "more than 1048576 bytes") {
				t.Errorf("bomb: %v", err)
			}
			for n := range c.data {
				if _, err := readBatches(pack(c.data[:n])); err == nil {
					t.Errorf("cut at %d of %d: no error", n, len(c.data))
				}
			}
			u := Unpacker{Limit: 1 << 20}
			if n := testing.AllocsPerRun(100, func() {
				if _, err := u.Unpack(c.codec, c.data); err != nil {
					t.Fatal(err)
				}
			}); n > 2 {
				t.Errorf("%v allocations a batch", n)
			}
		})
	}
}
