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
	a := fixedKey().App("app-001")
	for _, bb := range []struct{ name, guid string }{{"uuid", fixedGUID}, {"opaque", "device-0123456789"}} {
		b.Run(bb.name, func(b *testing.B) {
			g := []byte(bb.guid)
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := a.Device(g); !ok {
					b.Fatal("no fingerprint")
				}
			}
		})
	}
}

// BenchmarkApp is what a window's first event costs besides.
func BenchmarkApp(b *testing.B) {
	k := fixedKey()
	b.ReportAllocs()
	for b.Loop() {
		a, s := k.App("app-001"), k.Salt("app-001", "2026-10")
		if a.secrets[UUID] == s {
			b.Fatal("a secret is the salt")
		}
	}
}
