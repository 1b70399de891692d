package stream_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"headcount/events"
	"headcount/events/stream"
)

// eventMessages makes n messages as SDKs send them, about 250 bytes each.
func eventMessages(n int) []stream.Message {
	ms := make([]stream.Message, n)
	at := time.UnixMilli(1_790_000_000_000)
	for i := range ms {
		guid := fmt.Sprintf("%08x-7e5c-4b7e-9b1f-1f0e2d3c4b5a", uint32(i*2654435761))
		ms[i] = stream.Message{Partition: -1, Key: []byte(guid), Time: at, Value: fmt.Appendf(nil,
			`{"specversion":"1.0","type":"miniprogram.open","source":"sdk/android/2.4.1","id":"0198f7d2-6a4c-7c31-9b55-%012x","time":"2026-10-03T08:15:30.123Z","subject":"%s","superapp":"app-001","miniprogram":"mp-42"}`, i, guid)}
	}
	return ms
}

func BenchmarkProduce(b *testing.B) {
	for _, compression := range []string{"none", "lz4", "zstd"} {
		b.Run(compression, func(b *testing.B) {
			addr := brokerAddr(b)
			name, _ := topic(b, addr, 4)
			c := config(b, addr, name)
			c.Compression = compression
			ms := eventMessages(20_000)
			l := dial(b, c)
			n := 0
			b.ResetTimer()
			for b.Loop() {
				if err := l.Produce(b.Context(), ms); err != nil {
					b.Fatal(err)
				}
				n += len(ms)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/record")
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for _, compression := range []string{"none", "lz4", "zstd"} {
		b.Run(compression, func(b *testing.B) {
			addr := brokerAddr(b)
			name, _ := topic(b, addr, 4)
			c := config(b, addr, name)
			c.Compression = compression
			l := dial(b, c)
			ms := eventMessages(100_000)
			for range 5 {
				if err := l.Produce(b.Context(), ms); err != nil {
					b.Fatal(err)
				}
			}
			ends, err := l.Offsets(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				r := l.NewReader(b.Context())
				done := make(chan int)
				for p, o := range ends {
					pr := r.Open(p, fresh)
					go func() {
						seen := 0
						for at := events.Offset(0); at < o.End; {
							batch, err := pr.Next(b.Context())
							if err != nil {
								b.Error(err)
								break
							}
							seen += len(batch.Records)
							at = batch.Next
						}
						done <- seen
					}()
				}
				for range ends {
					n += <-done
				}
				r.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/record")
		})
	}
}

// BenchmarkProduceCalls has 256 callers send one message each, again and again.
func BenchmarkProduceCalls(b *testing.B) {
	addr := brokerAddr(b)
	name, _ := topic(b, addr, 4)
	ms := eventMessages(20_000)
	l := dial(b, config(b, addr, name))
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range 256 {
		wg.Go(func() {
			for {
				i := next.Add(1)
				if i > int64(b.N) {
					return
				}
				if err := l.Produce(b.Context(), ms[i%int64(len(ms)):][:1]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
