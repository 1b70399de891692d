package batch

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"headcount/events"
)

// TestBatchReader reads batches that BatchWriter made, one after the other, and refuses them with any byte changed.
func TestBatchReader(t *testing.T) {
	for _, compression := range []string{"", "none", "gzip", "snappy", "lz4", "zstd"} {
		var w Writer
		var all []byte
		base := events.Offset(0)
		for n := 1; n <= 300; n *= 7 {
			messages := make([]*Message, n)
			for i := range messages {
				messages[i] = &Message{Value: fmt.Appendf(nil, "value of %d", base+events.Offset(i)), Time: time.UnixMilli(1_700_000_000_000 + int64(i))}
			}
			b, err := w.Write(messages, base, compression)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, b...)
			base += events.Offset(n)
		}
		r := NewReader(1 << 20)
		next := events.Offset(0)
		for rest := all; len(rest) > 0; {
			records, after, err := r.Read(rest)
			if err != nil {
				t.Fatalf("%q: %v", compression, err)
			}
			for i, rec := range records {
				if rec.Offset != next || rec.Timestamp != 1_700_000_000_000+int64(i) || !bytes.Equal(rec.Value, fmt.Appendf(nil, "value of %d", next)) {
					t.Fatalf("%q: record %+v at offset %d", compression, rec, next)
				}
				next++
			}
			rest = after
		}
		if next != base {
			t.Errorf("%q: %d records, want %d", compression, next, base)
		}
		first, err := w.Write([]*Message{{Value: []byte("one")}}, 5, compression)
		if err != nil {
			t.Fatal(err)
		}
		for i := 8; i < len(first); i++ { // the base offset and the leader's epoch are the broker's, and in no checksum
			if i >= 12 && i < 16 {
				continue
			}
			b := bytes.Clone(first)
			b[i] ^= 1
			if records, _, err := r.Read(b); err == nil {
				t.Fatalf("%q: byte %d changed, and %d records were read", compression, i, len(records))
			}
		}
	}
	var w Writer
	if _, err := w.Write(nil, 0, ""); err == nil {
		t.Error("a batch of nothing")
	}
	if _, err := w.Write([]*Message{{}}, 0, "brotli"); err == nil {
		t.Error("a batch compressed by brotli")
	}
}
