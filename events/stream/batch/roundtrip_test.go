package batch

import (
	"bytes"
	"testing"
	"time"

	"headcount/events"
)

// FuzzRoundTrip: what is encoded reads back the same, in each codec.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("key"), []byte("value"), "h", []byte("x"), int64(1_790_000_000_000), int64(3), uint8(0))
	f.Add([]byte(nil), []byte(nil), "", []byte(nil), int64(0), int64(-1000), uint8(3))
	f.Fuzz(func(t *testing.T, key, value []byte, name string, header []byte, at, step int64, c uint8) {
		at, step = at%(1<<52), step%(1<<40)
		var ms []*Message
		for i := range 3 {
			ms = append(ms, &Message{Key: key, Value: value, Headers: []RecordHeader{{name, header}}, Time: time.UnixMilli(at + int64(i)*step)})
		}
		var e Encoder
		b, err := e.Encode(ms, Codec(c%5), Producer{ID: -1}, 1)
		if err != nil {
			t.Fatal(err)
		}
		records, rest, err := NewReader(1 << 20).Read(b)
		if len(key)+len(value)+len(name)+len(header) > 1<<18 {
			return // may unpack to more than the reader takes
		}
		if err != nil || len(records) != 3 || len(rest) > 0 {
			t.Fatalf("%d records, %d bytes left over, %v", len(records), len(rest), err)
		}
		for i, r := range records {
			if !bytes.Equal(r.Key, key) || !bytes.Equal(r.Value, value) || r.HeaderCount != 1 || r.Offset != events.Offset(i) || r.Timestamp != at+int64(i)*step {
				t.Fatalf("record %d: %+v", i, r)
			}
		}
	})
}
