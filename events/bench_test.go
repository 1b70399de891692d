package events

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func BenchmarkDecode(b *testing.B) {
	d, _ := newTestDecoder(b, nil)
	r := record(b, testEvent)
	b.ReportAllocs()
	b.SetBytes(int64(len(r.Value)))
	var e Event
	for b.Loop() {
		d.Reset()
		if err := d.Decode(r, &e); err != nil || e.Outcome != Counted {
			b.Fatal(verdict(e), err)
		}
	}
}

// BenchmarkBatch decodes 4,096 different events, as they come in batches of 128: structured without headers, structured with the
// header that says so, and binary.
func BenchmarkBatch(b *testing.B) {
	kinds := slices.Sorted(maps.Keys(builtinTypes))
	r := rand.New(rand.NewPCG(1, 2))
	var plain, marked, binary []Record
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
		m := *rec
		marked = append(marked, *m.with("content-type", "application/cloudevents+json; charset=utf-8"))
		n := *rec
		binary = append(binary, *n.with("ce_specversion", "1.0", "ce_type", kind, "ce_source", "sdk/android/2.4.1", "ce_id", guid, "ce_time", at,
			"ce_subject", guid, "ce_superapp", app, "content-type", "application/json"))
	}
	for _, bb := range []struct {
		name string
		recs []Record
	}{{"structured", plain}, {"structured with header", marked}, {"binary", binary}} {
		b.Run(bb.name, func(b *testing.B) {
			d, _ := newTestDecoder(b, nil)
			var events [128]Event
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

func BenchmarkUUID(b *testing.B) {
	v := []byte(testGUID)
	var u [16]byte
	for b.Loop() {
		if !parseUUID(&u, v) {
			b.Fatal("not a UUID")
		}
	}
}

func BenchmarkFingerprint(b *testing.B) {
	k := testKey(1)
	for _, bb := range []struct{ name, guid string }{{"uuid", testGUID}, {"opaque", "device-0123456789"}} {
		b.Run(bb.name, func(b *testing.B) {
			g := []byte(bb.guid)
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := k.Device(g); !ok {
					b.Fatal("no fingerprint")
				}
			}
		})
	}
}
