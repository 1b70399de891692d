package counter

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"headcount/events"
	"headcount/events/decode"
	"headcount/events/identity"
)

const benchDevices = 4_000_000

func benchPrints(n int) []identity.Fingerprint {
	r := rand.NewPCG(1, 1)
	prints := make([]identity.Fingerprint, n)
	for i := range prints {
		prints[i] = fastPrint(r)
	}
	return prints
}

// benchRecords makes events of a month in order of time: sessions of eight events or so, many at a time.
func benchRecords(n, devices, apps int) []events.Record {
	r := rand.New(rand.NewPCG(1, 1))
	types := []string{"miniprogram.open", "miniprogram.open", "miniprogram.open", "minigame.search", "miniprogram.predownload"}
	start := dayOf(october, 1).Add(-12 * time.Hour)
	sessions := make([]int, n/100+1)
	for i := range sessions {
		sessions[i] = r.IntN(devices)
	}
	recs := make([]events.Record, n)
	for i := range recs {
		at := start.Add(time.Duration(float64(31*24*time.Hour) * float64(i) / float64(n)))
		session := r.IntN(len(sessions))
		d := sessions[session]
		if r.IntN(8) == 0 {
			sessions[session] = r.IntN(devices)
		}
		recs[i] = events.Record{Offset: events.Offset(i), Timestamp: at.UnixMilli(), Value: fmt.Appendf(nil,
			`{"specversion":"1.0","type":%q,"source":"sdk/android/2.4.1","id":"0198f7d2-6a4c-7c31-9b55-%012x","time":%q,"subject":"6f1c2f0e-7e5c-4b7e-9b1f-%012x","superapp":"app-%03d","miniprogram":"mp-42"}`,
			types[r.IntN(len(types))], i, at.Format("2006-01-02T15:04:05.000Z"), d, d%apps)}
	}
	return recs
}

func BenchmarkCount(b *testing.B) {
	recs := benchRecords(2_000_000, 400_000, 20)
	runtime.GC()
	defer cpuTime(b)()
	var s *Shard
	for i := 0; i < b.N; {
		if i%len(recs) == 0 {
			s = NewShard(testID, newTestBook(nil), testKeys)
		}
		at := i % len(recs)
		n, _, err := s.Count(recs[at:min(len(recs), at+1000, at+b.N-i)])
		if err != nil {
			b.Fatal(err)
		}
		i += n
	}
	b.StopTimer()
	var events, duplicates uint64
	for _, w := range s.open[october].windows {
		events += w.counters.Events
		duplicates += w.counters.Duplicates
	}
	b.ReportMetric(float64(duplicates)/float64(events), "repeats/op")
}

// BenchmarkDecode is what of BenchmarkCount is the decoder's.
func BenchmarkDecode(b *testing.B) {
	recs := benchRecords(500_000, 400_000, 20)
	d := decode.NewDecoder(newTestBook(nil))
	var e [batchRecords]events.Event
	defer cpuTime(b)()
	for i := range b.N {
		if i%batchRecords == 0 {
			d.Reset()
		}
		if err := d.Decode(&recs[i%len(recs)], &e[i%batchRecords]); err != nil {
			b.Fatal(err)
		}
	}
}

// benchLarge returns a large window of n devices with 12 facts each, spread over the month as a month goes.
func benchLarge(n int) *window {
	book := newTestBook(nil)
	rules, _ := book.MonthRules(october)
	w := newWindow(WindowID{Month: october, App: "app"}, &month{rules: rules, key: testGUIDKey})
	r := rand.New(rand.NewPCG(4, 4))
	src := rand.NewPCG(5, 5)
	prints := make([]identity.Fingerprint, n)
	for i := range prints {
		prints[i] = fastPrint(src)
	}
	e := events.Event{}
	seenSoFar := 0
	for day := events.Day(1); day <= 31; day++ {
		// All devices turn up in the first ten days.
		if target := min(n, n*int(day)/10); target > seenSoFar {
			seenSoFar = target
		}
		for i := range seenSoFar {
			for _, k := range []struct {
				kind  events.Kind
				share int
			}{{events.Open, 36}, {events.Search, 6}, {events.Predownload, 3}} {
				if r.IntN(100) < k.share || day <= 10 && k.kind == events.Open && i >= n*int(day-1)/10 {
					e.Day, e.Kind = day, k.kind
					if err := w.count(&e, &prints[i], noOrdinal, false); err != nil {
						panic(err)
					}
				}
			}
		}
		w.markCut()
	}
	return w
}

func BenchmarkRowsOfLarge(b *testing.B) {
	w := benchLarge(1_000_000)
	w.large.mergeWaiting()
	apps := []appWindow{{app: "app", window: w}}
	buf := make([]Row, 4096)
	defer cpuTime(b)()
	for i := 0; i < b.N; {
		r := reader(apps)()
		if _, err := r.NextApp(); err != nil {
			b.Fatal(err)
		}
		for i < b.N {
			n, _ := r.Rows(buf)
			if n == 0 {
				break
			}
			i += n
		}
	}
}

func BenchmarkUnite(b *testing.B) {
	const partitions, each = 4, 250_000
	contents := make([][]appContent, partitions)
	r := rand.NewPCG(7, 7)
	for i := range contents {
		prints := make([]sortedPrint, each)
		for j := range prints {
			f := fastPrint(r)
			prints[j] = sortedPrint{high: high(&f), low: low(&f)}
		}
		var spare []sortedPrint
		sortPrints(prints, &spare, 0, ^uint64(0))
		a := appContent{AppHeader: AppHeader{App: "app", Devices: each}}
		for _, p := range prints {
			row := Row{Fingerprint: printOf(p), Kinds: 7}
			row.Days[0], row.Days[1], row.Days[2] = uint32(r.Uint64())&^1|2, uint32(r.Uint64())&0x80808080|2, 8
			a.Rows = append(a.Rows, row)
		}
		contents[i] = []appContent{a}
	}
	cfg := UnionConfig{Month: october, Precision: 14, Sets: func(string) []events.KindSet { return []events.KindSet{7} }}
	defer cpuTime(b)()
	for i := 0; i < b.N; i += partitions * each {
		var readers []RowReader
		for _, c := range contents {
			readers = append(readers, &blockReader{sliceReader{apps: c, left: -1}})
		}
		if got := unite(b, cfg, readers, nil); got[0].Devices != partitions*each {
			b.Fatal(got[0].Devices)
		}
	}
}

// blockReader fills as much as it is given room for.
type blockReader struct{ sliceReader }

func (r *blockReader) Rows(buf []Row) (int, error) {
	n := copy(buf, r.rows)
	r.rows = r.rows[n:]
	return n, nil
}

// BenchmarkUniteSmallApps is the cost of an app of ten devices in four partitions.
func BenchmarkUniteSmallApps(b *testing.B) {
	const apps, partitions = 1000, 4
	var shards []*Shard
	book := newTestBook(nil)
	for p := range partitions {
		s := NewShard(testID, book, testKeys)
		for app := range apps {
			w, err := s.window(october, fmt.Sprintf("small-app-%06d", app), nil)
			if err != nil {
				b.Fatal(err)
			}
			for d := range 10 {
				for k := range events.Kind(2) {
					e, print := events.Event{Month: october, Day: events.Day(1 + d), Kind: k}, testPrint(app*40+p*10+d)
					if err := w.count(&e, &print, noOrdinal, false); err != nil {
						b.Fatal(err)
					}
				}
			}
		}
		shards = append(shards, s)
	}
	cfg := UnionConfig{Month: october, Precision: 14, Sets: func(string) []events.KindSet { return []events.KindSet{7} }}
	defer cpuTime(b)()
	for i := 0; i < b.N; i += apps {
		var readers []RowReader
		for _, s := range shards {
			readers = append(readers, s.Snapshot(october).OnTime())
		}
		if got := unite(b, cfg, readers, nil); len(got) != apps || got[0].Devices != 40 {
			b.Fatal(len(got), got[0].Devices)
		}
	}
}

// BenchmarkCountDecoded counts events of devices drawn at random from four million in four apps, without the decoder: what cache
// misses cost.
func BenchmarkCountDecoded(b *testing.B) {
	for _, look := range []string{"ahead", "one by one"} {
		b.Run(look, func(b *testing.B) { countDecoded(b, look == "ahead") })
	}
}

func countDecoded(b *testing.B, ahead bool) {
	s := NewShard(testID, newTestBook(nil), testKeys)
	s.batch = new(batch)
	apps := [][]byte{[]byte("app-1"), []byte("app-2"), []byte("app-3"), []byte("app-4")}
	prints := benchPrints(benchDevices)
	count := func(i int, e events.Event) {
		s.batch.events[i%batchRecords] = e
		if i%batchRecords < batchRecords-1 {
			return
		}
		if ahead {
			s.prefetch(batchRecords)
		} else {
			clear(s.batch.windows[:])
		}
		for j := range batchRecords {
			if _, err := s.countOne(nil, j); err != nil {
				b.Fatal(err)
			}
		}
	}
	for i := range prints {
		count(i, events.Event{Outcome: events.Counted, Month: october, Day: 20, App: apps[i%len(apps)], ID: identity.ID{Bytes: prints[i]}})
	}
	s.Cut(Position{})
	r := rand.New(rand.NewPCG(3, 3))
	queries := make([]events.Event, 1<<20)
	for i := range queries {
		d := r.IntN(len(prints))
		queries[i] = events.Event{Outcome: events.Counted, Month: october, Day: 20, App: apps[d%len(apps)], ID: identity.ID{Bytes: prints[d]}}
	}
	runtime.GC()
	defer cpuTime(b)()
	for i := range b.N {
		count(i, queries[i%len(queries)])
	}
}

// BenchmarkAbsorb restores a window of a million devices from deltas as a checkpoint keeps them; an operation is a fact.
func BenchmarkAbsorb(b *testing.B) {
	w := benchLarge(1_000_000)
	w.large.mergeWaiting()
	var facts []Fact
	for ordinal := range w.devices() {
		for _, k := range w.large.kinds() {
			for day, bitmap := range w.large.facts[k] {
				if bitmap != nil && bitmap.Contains(ordinal) {
					facts = append(facts, Fact{Ordinal: ordinal, Day: events.Day(day), Kind: k})
				}
			}
		}
	}
	const part = 1 << 16
	parts := []*Delta{}
	prints := make([]identity.Fingerprint, w.devices())
	for i := range prints {
		prints[i] = w.large.At(uint32(i)).Print
	}
	for i := 0; len(facts) > 0; i++ {
		d := WindowDelta{WindowID: w.WindowID, First: uint32(i * part), Fingerprints: prints[i*part : min(len(prints), (i+1)*part)]}
		n := 0
		for n < len(facts) && facts[n].Ordinal < uint32((i+1)*part) {
			n++
		}
		d.Facts, facts = facts[:n], facts[n:]
		slices.SortFunc(d.Facts, func(a, b Fact) int {
			return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Ordinal, b.Ordinal))
		})
		parts = append(parts, &Delta{Partition: 3, Windows: []WindowDelta{d}})
	}
	defer cpuTime(b)()
	for i := 0; i < b.N; {
		s := NewShard(testID, newTestBook(nil), testKeys)
		for _, d := range parts {
			if err := s.Absorb(d); err != nil {
				b.Fatal(err)
			}
			if i += len(d.Windows[0].Facts); i >= b.N {
				break
			}
		}
		if err := s.Ready(); err != nil {
			b.Fatal(err)
		}
	}
}
