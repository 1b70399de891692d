package checkpoint

import (
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"

	"headcount/counter"
	"headcount/events"
)

// manyRows is a RowReader of one app with n sorted rows, made as they are read.
type manyRows struct {
	n, at  uint64
	opened bool
	r      *rand.PCG
}

func (m *manyRows) NextApp() (*counter.AppHeader, error) {
	if m.opened {
		return nil, io.EOF
	}
	m.opened = true
	return &counter.AppHeader{App: "app-001", Devices: m.n}, nil
}

func (m *manyRows) Rows(buf []counter.Row) (int, error) {
	n := min(uint64(len(buf)), m.n-m.at)
	step := ^uint64(0) / m.n
	for i := range buf[:n] {
		row := &buf[i]
		*row = counter.Row{}
		x := m.r.Uint64()
		binary.BigEndian.PutUint64(row.Fingerprint[:], m.at*step+x%step)
		binary.BigEndian.PutUint64(row.Fingerprint[8:], x)
		row.Kinds = 1 << events.Open
		row.Days[events.Open] = uint32(x)&^1 | 2
		if x>>40&1 == 0 {
			row.Kinds = row.Kinds.With(events.Push)
			row.Days[events.Push] = uint32(x>>20)&^1 | 4
		}
		m.at++
	}
	return int(n), nil
}

func sealMany(b testing.TB, d disk, n uint64) (*Partition, *Index) {
	b.Helper()
	p := open(b, d)
	z := &counter.Sealed{Partition: shardID.Partition, Month: october, Precision: 14}
	z.OnTime = func() counter.RowReader { return &manyRows{n: n, r: rand.NewPCG(1, 1)} }
	x, err := p.Seal(b.Context(), z)
	if err != nil {
		b.Fatal(err)
	}
	return p, x
}

func BenchmarkSeal(b *testing.B) {
	const n = 1_000_000
	b.Chdir(b.TempDir())
	for b.Loop() {
		p, x := sealMany(b, hostDisk{}, n)
		b.SetBytes(x.Size)
		b.StopTimer()
		p.bucket.Delete(b.Context(), p.sealed+x.Data)
		p.bucket.Delete(b.Context(), p.sealed+indexName(x.Month))
		b.StartTimer()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}

func BenchmarkOpenSealed(b *testing.B) {
	b.Chdir(b.TempDir())
	p, x := sealMany(b, hostDisk{}, 1_000_000)
	b.SetBytes(x.Size)
	for b.Loop() {
		s, err := p.OpenSealed(b.Context(), x.Month)
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}

func BenchmarkReadSealed(b *testing.B) {
	const n = 1_000_000
	b.Chdir(b.TempDir())
	p, x := sealMany(b, hostDisk{}, n)
	s, err := p.OpenSealed(b.Context(), x.Month)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(x.Size)
	buf := make([]counter.Row, 512)
	for b.Loop() {
		r := s.OnTime()
		if _, err := r.NextApp(); err != nil {
			b.Fatal(err)
		}
		for {
			got, err := r.Rows(buf)
			if err != nil {
				b.Fatal(err)
			}
			if got == 0 {
				break
			}
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}

// discard absorbs deltas by looking away: what is measured is this package.
type discard struct{ fingerprints, facts int }

func (d *discard) Absorb(x *counter.Delta) error {
	for _, w := range x.Windows {
		d.fingerprints += len(w.Fingerprints)
		d.facts += len(w.Facts)
	}
	return nil
}

func (d *discard) Ready() error { return nil }

// deltaOf makes a delta of n new devices in one window, each with three facts, in the order of their coming.
func deltaOf(r *rand.Rand, first, n int) *counter.Delta {
	w := counter.WindowDelta{WindowID: counter.WindowID{Month: october, App: "app-001"}, First: uint32(first)}
	for i := range n {
		w.Fingerprints = append(w.Fingerprints, randomRow(r).Fingerprint)
		w.Facts = append(w.Facts, counter.Fact{Ordinal: uint32(first + i), Day: 3, Kind: events.Open})
	}
	for range 2 * n {
		w.Facts = append(w.Facts, counter.Fact{Ordinal: r.Uint32N(uint32(first + n)), Day: 3, Kind: events.Kind(r.IntN(8))})
	}
	return &counter.Delta{Partition: shardID.Partition, Position: counter.Position{Next: events.Offset(first + n)}, Windows: []counter.WindowDelta{w}}
}

func BenchmarkSave(b *testing.B) {
	const n = 100_000
	b.Chdir(b.TempDir())
	disk := hostDisk{}
	p := openTopicOf(b, disk)
	if _, _, err := load(b.Context(), p, newModel); !errors.Is(err, ErrNone) {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	first, written := 0, int64(0)
	for b.Loop() {
		b.StopTimer()
		d := deltaOf(r, first, n)
		first += n
		b.StartTimer()
		saved, err := p.Save(b.Context(), d)
		if err != nil || saved.Postponed != nil {
			b.Fatal(err, saved)
		}
		written += saved.Bytes
	}
	b.ReportMetric(float64(first)/b.Elapsed().Seconds()/1e6, "Mdevices/s")
	b.ReportMetric(float64(written)/float64(first), "written-B/device")
}

func BenchmarkLoad(b *testing.B) {
	const n, saves = 100_000, 10
	b.Chdir(b.TempDir())
	p := openTopicOf(b, hostDisk{})
	if _, _, err := load(b.Context(), p, newModel); !errors.Is(err, ErrNone) {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for i := range saves {
		if _, err := p.Save(b.Context(), deltaOf(r, i*n, n)); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		d, _, err := load(b.Context(), p, func() *discard { return &discard{} })
		if err != nil || d.fingerprints != saves*n {
			b.Fatal(err, d)
		}
	}
	b.ReportMetric(float64(saves*n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mdevices/s")
}

func openTopicOf(b testing.TB, d disk) *Partition {
	b.Helper()
	topic := openTopic(b, d)
	rules, err := topic.Rules(b.Context(), template())
	if err == nil {
		_, err = rules.MonthRules(october)
	}
	if err != nil {
		b.Fatal(err)
	}
	return topic.Partition(shardID)
}

// Eight open files are read side by side in little memory, however large they are.
func TestReadersMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 50 MB")
	}
	t.Chdir(t.TempDir())
	p, x := sealMany(t, hostDisk{}, 2_000_000)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var readers []counter.RowReader
	for range 8 {
		s, err := p.OpenSealed(t.Context(), x.Month)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		readers = append(readers, s.OnTime(), s.Late())
	}
	buf := make([]counter.Row, 256)
	for _, r := range readers {
		if _, err := r.NextApp(); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		for range 10_000 {
			if _, err := r.Rows(buf); err != nil {
				t.Fatal(err)
			}
		}
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
		t.Errorf("8 files of %d bytes took %d bytes of memory, want at most 64 MiB", x.Size, used)
	}
}
