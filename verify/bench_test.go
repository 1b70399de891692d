package verify

import (
	"math/rand/v2"
	"testing"
	"time"
)

// BenchmarkVerify counts a month of 100,000 records again from a log in memory: what is left of a verification without the broker.
func BenchmarkVerify(b *testing.B) {
	rnd := rand.New(rand.NewPCG(7, 8))
	s := newRandomSite(b, rnd)
	s.send(b, rnd, july.String(), 100_000)
	s.close(b, july)
	records := 0
	for _, l := range s.log {
		records += len(l)
	}
	b.ResetTimer()
	began := time.Now()
	for b.Loop() {
		if r := s.verify(b, july, whole, 0); !r.OK {
			b.Fatal(r.Differences)
		}
	}
	b.ReportMetric(float64(time.Since(began).Nanoseconds())/float64(b.N)/float64(records), "ns/record")
}
