package counter

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/bits"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/axiomhq/hyperloglog"

	"headcount/events"
	"headcount/events/identity"
)

// sliceReader is a RowReader of content in memory. It can fail after a number of rows.
type sliceReader struct {
	apps []appContent
	rows []Row
	left int // rows until err; −1: none
	err  error
}

func readerOf(apps []appContent) *sliceReader { return &sliceReader{apps: apps, left: -1} }

func (r *sliceReader) NextApp() (*AppHeader, error) {
	if len(r.apps) == 0 {
		return nil, io.EOF
	}
	a := r.apps[0]
	r.apps, r.rows = r.apps[1:], a.Rows
	return &a.AppHeader, nil
}

func (r *sliceReader) Rows(buf []Row) (int, error) {
	if r.left == 0 {
		return 0, r.err
	}
	n := copy(buf[:min(len(buf), 3)], r.rows)
	r.rows = r.rows[n:]
	if r.left > 0 {
		r.left = max(0, r.left-n)
	}
	return n, nil
}

// facts is a random month of random apps as rows by app, in one partition.
type facts map[string]map[identity.Fingerprint]*Row

func (f facts) add(app string, print identity.Fingerprint, day events.Day, kind events.Kind) {
	if f[app] == nil {
		f[app] = map[identity.Fingerprint]*Row{}
	}
	if f[app][print] == nil {
		f[app][print] = &Row{Fingerprint: print}
	}
	r := f[app][print]
	r.Kinds = r.Kinds.With(kind)
	r.Days[kind] |= 1 << day
}

// content is what a reader says of the facts.
func (f facts) content(precision uint8, totals map[string][]Total) (apps []appContent) {
	for _, app := range slices.Sorted(maps.Keys(f)) {
		a := appContent{AppHeader: AppHeader{App: app, Devices: uint64(len(f[app])), Counters: Counters{Events: 3, Duplicates: 2, Skewed: 1}, Stretch: Stretch{1, 2, 3, 4}, Totals: totals[app]}}
		sketches := map[events.Kind]*hyperloglog.Sketch{}
		for _, r := range f[app] {
			a.Rows = append(a.Rows, *r)
			for k := range events.Kind(events.MaxKinds) {
				if r.Kinds.Has(k) {
					if sketches[k] == nil {
						sketches[k], _ = hyperloglog.NewSketch(precision, false)
					}
					sketches[k].InsertHash(testSalt(app).Hash(&r.Fingerprint))
				}
			}
		}
		for k, s := range sketches {
			raw, _ := s.MarshalBinary()
			a.Registers[k], a.Salt = raw[8:], *testSalt(app)
		}
		slices.SortFunc(a.Rows, func(a, b Row) int { return bytes.Compare(a.Fingerprint[:], b.Fingerprint[:]) })
		apps = append(apps, a)
	}
	return apps
}

var testSets = []events.KindSet{1 << events.Open, 1<<events.Open | 1<<events.Search | 1<<events.Push, 1 << events.Login, 0, 1<<16 - 1, 1 << events.Sync}

func unionConfig(precision int) UnionConfig {
	return UnionConfig{Month: october, Precision: precision, Sets: func(app string) []events.KindSet {
		if app == "app-2" {
			return nil
		}
		return testSets
	}}
}

func unite(tb testing.TB, cfg UnionConfig, onTime, late []RowReader) (all []*AppUnion) {
	tb.Helper()
	if err := Unite(cfg, onTime, late, func(a *AppUnion) error { all = append(all, a); return nil }); err != nil {
		tb.Fatal(err)
	}
	return all
}

// TestUnionIsFreeOfPartitioning deals random facts to 1–8 partitions, some to several, and compares the union with a count by
// maps, and with the union of the same facts in one partition.
func TestUnionIsFreeOfPartitioning(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 9))
			partitions := 1 + r.IntN(8)
			devices := []int{3, 40, 900}[r.IntN(3)]
			kinds := []events.Kind{events.Open, events.Open, events.Search, events.Predownload, events.Push, 15}
			onTime, late := make([]facts, partitions), make([]facts, partitions)
			for i := range partitions {
				onTime[i], late[i] = facts{}, facts{}
			}
			allOnTime, allLate := facts{}, facts{}
			for range devices * 8 {
				app := fmt.Sprint("app-", r.IntN(4))
				print := testPrint(r.IntN(devices))
				kind := kinds[r.IntN(len(kinds))]
				if r.IntN(8) == 0 {
					print, kind = testPrint(1_000_000+r.IntN(devices)), events.Login
				}
				day := events.Day(1 + r.IntN(31))
				for range 1 + r.IntN(2) {
					to, all := onTime, allOnTime
					if r.IntN(6) == 0 {
						to, all = late, allLate
					}
					to[r.IntN(partitions)].add(app, print, day, kind)
					all.add(app, print, day, kind)
				}
			}
			var a, b []RowReader
			for i := range partitions {
				a = append(a, readerOf(onTime[i].content(8, nil)))
				b = append(b, readerOf(late[i].content(8, nil)))
			}
			got := unite(t, unionConfig(8), a, b)
			one := unite(t, unionConfig(8), []RowReader{readerOf(allOnTime.content(8, nil))}, []RowReader{readerOf(allLate.content(8, nil))})
			if len(got) != len(one) {
				t.Fatalf("%d apps, in one partition %d", len(got), len(one))
			}
			for i := range got {
				want := naiveUnion(got[i].App, allOnTime[got[i].App], allLate[got[i].App], got[i].App != "app-2")
				g := *got[i]
				want.Counters, want.Stretch = g.Counters, g.Stretch // sums over partitions
				if !reflect.DeepEqual(&g, want) {
					t.Errorf("app %q:\n%+v, want\n%+v", g.App, g, *want)
				}
				o := *one[i]
				o.Counters, o.Stretch = g.Counters, g.Stretch
				if !reflect.DeepEqual(g, o) {
					t.Errorf("app %q in %d partitions:\n%+v, in one\n%+v", g.App, partitions, g, o)
				}
			}
		})
	}
}

// naiveUnion counts by loops over maps.
func naiveUnion(app string, onTime, late map[identity.Fingerprint]*Row, withSets bool) *AppUnion {
	a := &AppUnion{App: app}
	estimate := func(set events.KindSet) uint64 {
		s, _ := hyperloglog.NewSketch(8, false)
		any := false
		for _, r := range onTime {
			if r.Kinds&set != 0 {
				s.InsertHash(testSalt(app).Hash(&r.Fingerprint))
				any = true
			}
		}
		if !any {
			return 0
		}
		return s.Estimate()
	}
	daysOf := func(r *Row, set events.KindSet) (days uint32) {
		for k := range events.Kind(events.MaxKinds) {
			if r != nil && r.Kinds.Has(k) && set.Has(k) {
				days |= r.Days[k]
			}
		}
		return days
	}
	const devices = events.KindSet(1<<16-1) &^ (1 << events.Login)
	for k := range events.Kind(events.MaxKinds) {
		for _, r := range onTime {
			if r.Kinds.Has(k) {
				a.Kinds[k].Exact++
			}
			for day := range 32 {
				a.Facts += uint64(r.Days[k] >> day & 1)
			}
		}
		for f, r := range late {
			if r.Kinds.Has(k) && daysOf(onTime[f], 1<<k) == 0 {
				a.LateByKind[k]++
			}
		}
		a.Kinds[k].Estimate = estimate(1 << k)
	}
	if withSets {
		for _, set := range testSets {
			a.Sets = append(a.Sets, SetCount{Kinds: set, Estimate: estimate(set)})
		}
	}
	for _, r := range onTime {
		if d := daysOf(r, devices); d != 0 {
			a.Devices++
			a.New[bits.TrailingZeros32(d)]++
		}
		for day := 1; day < 32; day++ {
			a.Active[day] += uint64(daysOf(r, devices) >> day & 1)
			a.Users[day] += uint64(daysOf(r, 1<<events.Login) >> day & 1)
		}
		for i := range a.Sets {
			s := &a.Sets[i]
			if d := daysOf(r, s.Kinds); d != 0 {
				s.Exact++
				s.NewByDay[bits.TrailingZeros32(d)]++
				for day := 1; day < 32; day++ {
					s.ByDay[day] += uint64(d >> day & 1)
				}
			}
		}
	}
	for f, r := range late {
		if daysOf(r, devices) != 0 && daysOf(onTime[f], devices) == 0 {
			a.LateDevices++
		}
		for i := range a.Sets {
			s := &a.Sets[i]
			if daysOf(r, s.Kinds) != 0 && daysOf(onTime[f], s.Kinds) == 0 {
				s.LateNew++
			}
		}
	}
	a.Digest = naiveDigest(october, app, onTime, nil)
	return a
}

// naiveDigest writes down what digest.go says is digested.
func naiveDigest(m events.Month, app string, rows map[identity.Fingerprint]*Row, totals []Total) [32]byte {
	le := binary.LittleEndian
	var b []byte
	text := func(s string) { b = append(le.AppendUint16(b, uint16(len(s))), s...) }
	b = append(b, "headcount usage 1\n"+m.String()...)
	text(app)
	for _, f := range slices.SortedFunc(maps.Keys(rows), func(a, b identity.Fingerprint) int { return strings.Compare(a.String(), b.String()) }) {
		b = append(append(b, 1), f[:]...)
		b = le.AppendUint16(b, uint16(rows[f].Kinds))
		for k, days := range rows[f].Days {
			if rows[f].Kinds.Has(events.Kind(k)) {
				b = le.AppendUint32(b, days)
			}
		}
	}
	b = le.AppendUint32(append(b, 0), uint32(len(totals)))
	for _, t := range totals {
		text(t.Meter)
		text(t.Source)
		b = append(b, byte(t.Day))
		b = le.AppendUint64(le.AppendUint64(b, uint64(t.Revision)), uint64(t.Value))
	}
	return sha256.Sum256(b)
}

func TestUnionOfTotals(t *testing.T) {
	total := func(meter, source string, day, revision, value int) Total {
		return Total{events.Quantity{Meter: meter, Source: source, Day: events.Day(day), Revision: int64(revision), Value: int64(value)}}
	}
	of := func(totals ...Total) RowReader {
		return readerOf([]appContent{{AppHeader: AppHeader{App: "a", Totals: totals}}})
	}
	got := unite(t, unionConfig(8), []RowReader{
		of(total("api", "s1", 0, 1, 50), total("api", "s2", 3, 0, 5), total("gb", "s1", 0, 2, 1)),
		of(total("api", "s1", 0, 1, 60), total("api", "s2", 4, 0, 6), total("gb", "s1", 0, 1, 9)),
	}, []RowReader{of(total("api", "s1", 0, 3, 1)), of(total("api", "s1", 0, 2, 7))})
	want := []Total{total("api", "s1", 0, 1, 60), total("api", "s2", 3, 0, 5), total("api", "s2", 4, 0, 6), total("gb", "s1", 0, 2, 1)}
	if len(got) != 1 || !slices.Equal(got[0].Totals, want) {
		t.Fatalf("totals %+v, want %+v", got[0].Totals, want)
	}
	if want := []Total{total("api", "s1", 0, 3, 1)}; !slices.Equal(got[0].LateTotals, want) {
		t.Errorf("late totals %+v, want %+v", got[0].LateTotals, want)
	}
	if got[0].Digest != naiveDigest(october, "a", nil, want) {
		t.Error("the digest is not that of the totals on time")
	}
}

func TestUnionSumsCounters(t *testing.T) {
	f := facts{}
	f.add("a", testPrint(1), 1, events.Open)
	got := unite(t, unionConfig(8), []RowReader{readerOf(f.content(8, nil)), readerOf(f.content(8, nil))}, []RowReader{readerOf(f.content(8, nil))})
	want := AppUnion{Counters: Counters{Events: 6, Duplicates: 4, Skewed: 2}, Stretch: Stretch{2, 4, 6, 8}}
	if got[0].Counters != want.Counters || got[0].Stretch != want.Stretch {
		t.Errorf("%+v %+v, want %+v %+v", got[0].Counters, got[0].Stretch, want.Counters, want.Stretch)
	}
	if got[0].Devices != 1 {
		t.Errorf("%d devices, want 1", got[0].Devices)
	}
}

// TestUnionRefuses holds the union to its word: what is not what a RowReader promises is an error, not a bill.
func TestUnionRefuses(t *testing.T) {
	away := errors.New("the store is away")
	f := facts{}
	for i := range 9 {
		f.add("a", testPrint(i), 1, events.Open)
	}
	f.add("b", testPrint(1), 1, events.Open)
	good := func() []appContent { return f.content(8, nil) }
	for name, tt := range map[string]struct {
		reader func() RowReader
		want   string
	}{
		"unsorted rows": {func() RowReader { a := good(); slices.Reverse(a[0].Rows); return readerOf(a) }, "not sorted by fingerprint"},
		"repeated row":  {func() RowReader { a := good(); a[0].Rows[4] = a[0].Rows[3]; return readerOf(a) }, "not sorted by fingerprint"},
		"unsorted apps": {func() RowReader { a := good(); slices.Reverse(a); return readerOf(a) }, "not sorted"},
		"rows missing":  {func() RowReader { a := good(); a[0].Rows = a[0].Rows[:5]; return readerOf(a) }, "5 rows of app"},
		"no kind":       {func() RowReader { a := good(); a[0].Rows[2].Kinds = 0; return readerOf(a) }, "has no kind"},
		"precision":     {func() RowReader { return readerOf(f.content(9, nil)) }, "512 registers"},
		"register":      {func() RowReader { a := good(); a[0].Registers[0][7] = 99; return readerOf(a) }, "holds 99"},
		"failing":       {func() RowReader { r := readerOf(good()); r.left, r.err = 4, away; return r }, "away"},
	} {
		err := Unite(unionConfig(8), []RowReader{readerOf(good()), tt.reader()}, nil, func(*AppUnion) error { return nil })
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "reader 1") {
			t.Errorf("%s: error %v, want one of reader 1 that says %q", name, err, tt.want)
		}
	}
	if err := Unite(unionConfig(3), nil, nil, nil); err == nil {
		t.Error("precision 3 is taken")
	}
	stop := errors.New("stop")
	apps := 0
	err := Unite(unionConfig(8), []RowReader{readerOf(good())}, nil, func(*AppUnion) error { apps++; return stop })
	if !errors.Is(err, stop) || apps != 1 {
		t.Errorf("yield's error: %v after %d apps", err, apps)
	}
}

// TestUnionOfShards counts one month's events in one partition, and dealt at random to several: what is billed must be the same.
func TestUnionOfShards(t *testing.T) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 5))
		partitions := 2 + r.IntN(7)
		book := newTestBook(limited)
		logs := make([]*testLog, partitions+1) // the last has all
		for i := range logs {
			logs[i] = newTestLog()
		}
		for range 6000 {
			app, device := fmt.Sprint("app-", r.IntN(2)), r.IntN(1+r.IntN(4000))
			for _, l := range []*testLog{logs[r.IntN(partitions)], logs[partitions]} {
				l.open(device, app, october, 1+device%31)
			}
			if device < 20 {
				for _, l := range []*testLog{logs[r.IntN(partitions)], logs[partitions]} {
					l.reported(app, "api", october, device%3, "source", int64(device%4), int64(device))
				}
			}
		}
		var readers []RowReader
		for _, l := range logs {
			s := NewShard(testID, book, testKeys)
			countAll(t, s, l.records)
			readers = append(readers, s.Snapshot(october).OnTime())
		}
		got := unite(t, unionConfig(10), readers[:partitions], nil)
		want := unite(t, unionConfig(10), readers[partitions:], nil)
		for i := range want {
			if got[i].Counters.Events != want[i].Counters.Events || got[i].Counters.Duplicates > want[i].Counters.Duplicates {
				t.Errorf("seed %d: counters %+v, in one partition %+v", seed, got[i].Counters, want[i].Counters)
			}
			got[i].Counters = want[i].Counters // duplicates are those within a partition
			if !reflect.DeepEqual(got[i], want[i]) {
				t.Errorf("seed %d, %d partitions:\n%+v, in one\n%+v", seed, partitions, *got[i], *want[i])
			}
		}
	}
}
