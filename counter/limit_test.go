package counter

import (
	"fmt"
	"runtime"
	"testing"

	"headcount/events"
)

// flood is a log in which an attacker invents devices, or apps, between the events of honest ones.
type flood struct {
	offset  events.Offset
	records []events.Record
}

func (f *flood) open(app, guid string) {
	f.records = append(f.records, events.Record{
		Offset: f.offset, Timestamp: dayOf(october, 5).UnixMilli(),
		Value: fmt.Appendf(nil, `{"type":"miniprogram.open","superapp":%q,"subject":%q}`, app, guid),
	})
	f.offset++
}

// countAll counts the records and returns how many were over a limit, by app.
func (f *flood) countAll(t *testing.T, s *Shard) map[string]int {
	t.Helper()
	if n, _, err := s.Count(f.records); err != nil || n != len(f.records) {
		t.Fatal(n, err)
	}
	f.records = f.records[:0]
	over := map[string]int{}
	for _, d := range s.TakeDead() {
		if d.Reason != events.OverLimit {
			t.Fatalf("%+v", d)
		}
		over[d.App]++
	}
	return over
}

func devicesOf(s *Shard, app string) uint64 {
	r := s.Snapshot(october).OnTime()
	for {
		h, err := r.NextApp()
		if err != nil {
			return 0
		}
		if h.App == app {
			return h.Devices
		}
	}
}

// An app whose devices are invented without end stops at its limit; its known devices, and all other apps, count as before.
func TestFloodOfDevices(t *testing.T) {
	const limit = 1500 // past the switch to the large form
	s := NewShard(testID, newTestBook(func(t *events.Template) { t.Limits.DevicesPerApp = limit }), testKeys)
	f := &flood{}
	for i := range 4000 {
		f.open("flooded", fmt.Sprint("invented-", i))
		f.open("honest", fmt.Sprint("device-", i%100))
		f.open("flooded", fmt.Sprint("invented-", i%limit)) // known ones
	}
	over := f.countAll(t, s)
	if len(over) != 1 || over["flooded"] != 4000-limit {
		t.Errorf("over the limit: %v, want %d of flooded", over, 4000-limit)
	}
	if got := devicesOf(s, "flooded"); got != limit {
		t.Errorf("%d devices, want %d", got, limit)
	}
	if got := devicesOf(s, "honest"); got != 100 {
		t.Errorf("%d devices of the other app, want 100", got)
	}
	if got := s.State().Apps["flooded"].OverLimit; got != 4000-limit {
		t.Errorf("%d records held against the app, want %d", got, 4000-limit)
	}
}

// Past the limit of all devices none is added to any app; what is known still counts. A shard that is restored goes on alike,
// and holds no trace of apps that were refused.
func TestFloodOfApps(t *testing.T) {
	book := newTestBook(func(t *events.Template) { t.Limits.DevicesPerPartition = 500 })
	s := NewShard(testID, book, testKeys)
	f := &flood{}
	for i := range 100 {
		f.open("honest", fmt.Sprint("device-", i))
	}
	for i := range 3000 {
		f.open(fmt.Sprint("invented-", i), fmt.Sprint("device-", i))
		f.open("honest", fmt.Sprint("device-", i%100))
	}
	over := f.countAll(t, s)
	if len(over) != 2600 || over["honest"] != 0 {
		t.Errorf("%d apps over the limit, want 2600, %d of them honest", len(over), over["honest"])
	}
	restored := NewShard(testID, book, testKeys)
	if err := restored.Absorb(s.Cut(Position{Next: f.offset})); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*Shard{"counted": s, "restored": restored} {
		if apps := len(s.open[october].windows); apps != 401 {
			t.Errorf("%s: windows of %d apps, want 401", name, apps)
		}
		f.open("honest", "one more")
		f.open("honest", "device-1")
		if over := f.countAll(t, s); over["honest"] != 1 {
			t.Errorf("%s: %v over the limit, want the new device alone", name, over)
		}
	}
}

// Memory of a flood is that of its limit.
func TestMemoryOfFlood(t *testing.T) {
	if testing.Short() {
		t.Skip("slow under the race detector")
	}
	const limit, wave = 50_000, 100_000
	s := NewShard(testID, newTestBook(func(t *events.Template) {
		t.Limits.DevicesPerApp, t.Limits.DevicesPerPartition, t.Limits.AppsPerPartition = limit, 2*limit, 1000
	}), testKeys)
	f := &flood{}
	waves := func(from, to int) uint64 {
		for w := from; w < to; w++ {
			for i := range wave {
				f.open(fmt.Sprint("app-", i%(2+w*500)), fmt.Sprint("invented-", w, "-", i))
			}
			f.countAll(t, s)
		}
		f.records = nil
		return heap()
	}
	before := waves(0, 2)
	after := waves(2, 8)
	if after > before+4<<20 {
		t.Errorf("%d MB after two waves, %d MB after eight: it grows with the flood", before>>20, after>>20)
	}
	runtime.KeepAlive(s)
	t.Logf("%d MB after two waves, %d MB after eight", before>>20, after>>20)
}
