package stream

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"testing"

	"headcount/events"
	"headcount/events/stream/batch"
	"headcount/events/stream/batch/batchtest"
	"headcount/events/stream/wire"
	"headcount/events/stream/wire/wiretest"
)

// FuzzBatches: whatever a broker sends, reading ends, panics nowhere, and what it hands on lies in rising offsets at or after the
// one asked for.
func FuzzBatches(f *testing.F) {
	seed := batchtest.Plain(5, "a", "b")
	f.Add(batchtest.Join(seed), int64(5), int64(-1), int64(0), false)
	f.Add(batchtest.Join(seed, batchtest.Plain(7, "c").With(func(r *batchtest.Batch) { r.Attributes, r.Producer = batchtest.Transactional, 1 })), int64(6), int64(1), int64(5), true)
	var w batch.Writer
	for _, compression := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		b, err := w.Write([]*Message{{Key: []byte("k"), Value: bytes.Repeat([]byte("a"), 300)}, {Key: []byte("k"), Value: []byte("b")}}, 5, compression)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(bytes.Clone(b), int64(5), int64(-1), int64(0), true)
	}
	b, err := w.Write([]*Message{{Key: []byte("k"), Headers: []Header{{Key: "x", Value: []byte("y")}, {Key: ""}}}}, 0, "none")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(bytes.Clone(b), int64(0), int64(-1), int64(0), true)
	f.Fuzz(func(t *testing.T, data []byte, start, producer, first int64, mend bool) {
		from := events.Offset(start)
		if from < 0 {
			return
		}
		data = bytes.Clone(data)
		if mend { // the checksum made right, so that what is behind it is met
			for rest := data; ; {
				var h batch.Header
				if batch.ReadHeader(rest, &h) != nil {
					break
				}
				batchtest.MendCRC(rest[:h.Size])
				rest = rest[h.Size:]
			}
		}
		records, _, at, _ := readRecords(1<<20, data, from, batch.Aborted{Producer: producer, First: events.Offset(first)})
		if at.Offset < from {
			t.Errorf("from %d to %d", from, at.Offset)
		}
		last := from - 1
		for _, r := range records {
			if r.Offset < from || r.Offset >= at.Offset {
				t.Fatalf("offset %d outside %d–%d", r.Offset, from, at.Offset)
			}
			if r.Offset <= last {
				t.Fatalf("offset %d after %d", r.Offset, last)
			}
			last = r.Offset
		}
	})
}

// answers decode what a broker sends, each kind of it, for topic "t".
var answers = []wiretest.Decoder{
	func(b []byte, take func(int) []byte) error {
		return decodeFetch(bytes.NewReader(b), len(b), 13, &fetchRequest{topic: "t"}, take, func(piece) {})
	},
	func(b []byte, take func(int) []byte) error {
		return decodeFetch(bytes.NewReader(b), len(b), 11, &fetchRequest{topic: "t"}, take, func(piece) {})
	},
	func(b []byte, _ func(int) []byte) error {
		topic, err := decodeMetadata(12, b, "t")
		if err == nil && len(topic.Partitions) == 0 {
			panic("a topic without partitions")
		}
		return err
	},
	func(b []byte, _ func(int) []byte) error { _, err := decodeListOffsets(b, "t"); return err },
	func(b []byte, _ func(int) []byte) error {
		_, _, err := decodeProduce(8, b, topicPartition{"t", 0})
		return err
	},
	func(b []byte, _ func(int) []byte) error { _, err := decodeProducers(b, "t", 0); return err },
	func(b []byte, _ func(int) []byte) error { _, err := decodeEpochEnd(3, b, "t", 0); return err },
	func(b []byte, _ func(int) []byte) error { _, err := decodeEpochEnd(4, b, "t", 0); return err },
	func(b []byte, _ func(int) []byte) error {
		_, err := decodeVersions(&wire.Decoder{Buf: b}, "there")
		return err
	},
	func(b []byte, _ func(int) []byte) error {
		_, _, err := decodeCreateTopic(&wire.Decoder{Buf: b}, "t")
		return err
	},
	func(b []byte, _ func(int) []byte) error {
		_, err := decodeConfigs(&wire.Decoder{Buf: b}, "t")
		return err
	},
	func(b []byte, _ func(int) []byte) error {
		_, _, _, err := decodeProducerID(&wire.Decoder{Buf: b})
		return err
	},
}

// FuzzAnswers: no answer makes a decoder panic, or allocate out of proportion to what it holds.
func FuzzAnswers(f *testing.F) {
	f.Add(fetchAnswer(13, batchtest.Join(batchtest.Plain(0, "a"))), uint8(0))
	f.Add(fetchAnswer(11, batchtest.Join(batchtest.Plain(0, "a"))), uint8(1))
	f.Add([]byte{0, 0, 0, 0, 2, 0, 0, 0, 1, 2, 'h', 0, 0, 0, 1, 0, 0, 3, 'i', 'd', 0, 0, 0, 1, 1, 0}, uint8(2))
	f.Add(epochAnswer(3, 0, 7, 42), uint8(6))
	f.Add(epochAnswer(4, 0, 7, 42), uint8(7))
	wiretest.FuzzAnswers(f, answers)
}

// FuzzFrames: what comes down the line where an answer should be neither panics nor has memory taken for bytes that do not come.
func FuzzFrames(f *testing.F) {
	f.Add([]byte{0x03, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0}, false)
	f.Add([]byte{0, 0, 0, 6, 0, 0, 0, 1, 0, 0}, true)
	f.Fuzz(func(t *testing.T, b []byte, flexible bool) {
		var r *request
		var err error
		n := wiretest.Allocated(func() {
			if len(b) >= 8 { // the number that the request is given
				binary.BigEndian.PutUint32(b[4:], uint32(correlation.Load()+1)&math.MaxInt32)
			}
			r = &request{flexible: flexible}
			_, err = r.RawExchange(line{bytes.NewReader(b)})
		})
		if n > uint64(64<<10+4*len(b)) {
			t.Errorf("%d bytes allocated for %d that came", n, len(b))
		}
		if err == nil && len(r.whole)+8 > len(b) {
			t.Errorf("%d bytes read of %d", len(r.whole), len(b))
		}
	})
}

// line is one that takes whatever is written.
type line struct{ io.Reader }

func (line) Write(p []byte) (int, error) { return len(p), nil }
