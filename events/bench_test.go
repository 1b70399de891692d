package events

import (
	"testing"
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
	for b.Loop() {
		if _, ok := parseTime(v); !ok {
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
	var s fingerprinter
	for _, bb := range []struct{ name, guid string }{{"uuid", testGUID}, {"opaque", "device-0123456789"}} {
		b.Run(bb.name, func(b *testing.B) {
			g := []byte(bb.guid)
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := s.device(k, g); !ok {
					b.Fatal("no fingerprint")
				}
			}
		})
	}
}
