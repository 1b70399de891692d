package decode

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"headcount/events"
)

func BenchmarkDecode(b *testing.B) {
	d, _ := newTestDecoder(b, nil)
	r := record(b, testEvent)
	b.ReportAllocs()
	b.SetBytes(int64(len(r.Value)))
	var e events.Event
	for b.Loop() {
		d.Reset()
		if err := d.Decode(r, &e); err != nil || e.Outcome != events.Counted {
			b.Fatal(verdict(e), err)
		}
	}
}

// BenchmarkBatch decodes 4,096 different events, as they come in batches of 128: structured without headers, with ids of more lengths
// than there is room for layouts, with the header that says structured, and binary.
func BenchmarkBatch(b *testing.B) {
	rules, err := testTemplate().Month(events.MonthOf(2026, 10))
	if err != nil {
		b.Fatal(err)
	}
	kinds := slices.Sorted(maps.Keys(rules.Types))
	r := rand.New(rand.NewPCG(1, 2))
	var plain, lengths, marked, binary []events.Record
	for i := range 4096 {
		var u [16]byte
		for j := range u {
			u[j] = byte(r.Uint32())
		}
		guid := fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
		at := time.UnixMilli(1790985600000 + int64(i)*1000).UTC().Format("2006-01-02T15:04:05.000Z")
		kind, app := kinds[r.IntN(len(kinds))], fmt.Sprintf("app-%03d", r.IntN(20))
		v := strings.NewReplacer(testGUID, guid, "2026-10-03T08:15:30.123Z", at, "miniprogram.open", kind, "app-001", app,
			"mp-42", fmt.Sprintf("mp-%d", r.IntN(2000))).Replace(testEvent)
		rec := record(b, v)
		rec.Timestamp = millis(b, "2026-10-04T00:00:00Z")
		plain = append(plain, *rec)
		l := *rec
		l.Value = []byte(strings.NewReplacer(app, app+strings.Repeat("-x", r.IntN(12)), "sdk/android/2.4.1", "sdk/"+strings.Repeat("y", 1+r.IntN(12))).Replace(v))
		lengths = append(lengths, l)
		m := *rec
		marked = append(marked, *with(&m, "content-type", "application/cloudevents+json; charset=utf-8"))
		n := *rec
		binary = append(binary, *with(&n, "ce_specversion", "1.0", "ce_type", kind, "ce_source", "sdk/android/2.4.1", "ce_id", guid, "ce_time", at,
			"ce_subject", guid, "ce_superapp", app, "content-type", "application/json"))
	}
	for _, bb := range []struct {
		name string
		recs []events.Record
	}{{"structured", plain}, {"structured of many lengths", lengths}, {"structured with header", marked}, {"binary", binary}} {
		b.Run(bb.name, func(b *testing.B) {
			d, _ := newTestDecoder(b, nil)
			var events [128]events.Event
			b.ReportAllocs()
			for i := 0; i < b.N; i += len(events) {
				d.Reset()
				at := i % len(bb.recs)
				if n, err := d.DecodeBatch(bb.recs[at:at+len(events)], events[:]); err != nil || n != len(events) {
					b.Fatal(n, err)
				}
			}
		})
	}
}

func BenchmarkScan(b *testing.B) {
	v := []byte(testEvent)
	b.SetBytes(int64(len(v)))
	for b.Loop() {
		var h head
		if !scan(v, &h) {
			b.Fatal("not scanned")
		}
	}
}

func BenchmarkStrict(b *testing.B) {
	d, _ := newTestDecoder(b, nil)
	v := []byte(testEvent)
	b.SetBytes(int64(len(v)))
	for b.Loop() {
		if why := d.strict.read(v); why != "" {
			b.Fatal(why)
		}
	}
}

func BenchmarkTime(b *testing.B) {
	v := []byte("2026-10-03T08:15:30.123Z")
	var dates timeReader
	for b.Loop() {
		if _, ok := dates.parseTime(v); !ok {
			b.Fatal("not a time")
		}
	}
}
