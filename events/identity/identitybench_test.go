package identity

import "testing"

func BenchmarkUUID(b *testing.B) {
	v := []byte(fixedGUID)
	var u [16]byte
	for b.Loop() {
		if !parseUUID(&u, v) {
			b.Fatal("not a UUID")
		}
	}
}

func BenchmarkFingerprint(b *testing.B) {
	k := fixedKey()
	for _, bb := range []struct{ name, guid string }{{"uuid", fixedGUID}, {"opaque", "device-0123456789"}} {
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
