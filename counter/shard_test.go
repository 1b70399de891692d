package counter

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"headcount/events"
	"headcount/events/signed"
)

// randomLog makes a log of everything that can lie in one, of about n records. Small pools of devices, apps and days make
// repeats; the seals close September, October and November, with valid, repeated and invalid ones.
func randomLog(r *rand.Rand, book *testBook, n, devices int) []events.Record {
	l := newTestLog()
	l.now = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	apps := []string{"app-1", "app-2", "app-3", "zz", "a"}
	types := []string{"miniprogram.open", "miniprogram.open", "minigame.search", "miniprogram.predownload", "component.push"}
	months := []events.Month{september, october, october, november, december}
	previous := map[events.Month]*signed.PreviousClosing{}
	member := r.IntN(4) > 0 // of September's closing
	if member {
		previous[october] = &signed.PreviousClosing{Month: september, Partitions: []events.Partition{2, 3}}
	} else {
		previous[october] = &signed.PreviousClosing{Month: september, Partitions: []events.Partition{2}}
	}
	previous[november] = &signed.PreviousClosing{Month: october, Partitions: []events.Partition{0, 1, 2, 3}}
	if r.IntN(3) == 0 {
		l.now = time.Date(2026, 12, 20, 0, 0, 0, 0, time.UTC)
	}
	step := 80 * 24 * time.Hour / time.Duration(n)
	for range n {
		l.now = l.now.Add(step)
		app := apps[r.IntN(len(apps))]
		if r.IntN(3) > 0 {
			app = apps[0]
		}
		month := months[r.IntN(len(months))]
		if r.IntN(2) == 0 {
			month = october
		}
		at := dayOf(month, 1+r.IntN(month.Days()))
		switch r.IntN(60) {
		case 0:
			l.add(nil)
		case 1:
			l.event("some.other", guid(1), app, at)
		case 2:
			l.add([]byte(`{"type":"miniprogram.open","superapp":"app-1"`))
		case 3:
			l.add([]byte(`{"type":"miniprogram.open","superapp":"app-2","time":"today"}`))
		case 4:
			l.add(fmt.Appendf(nil, `{"type":"headcount.closed","month":%q}`, month))
		case 5:
			l.add(make([]byte, 200))
		case 6, 7, 8, 9:
			l.reported(app, fmt.Sprint("meter-", r.IntN(2)), month, r.IntN(3), fmt.Sprint("source-", r.IntN(5)), int64(r.IntN(3)), int64(r.IntN(100)))
		case 10:
			l.event("miniprogram.open", guid(r.IntN(devices)), app, time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)) // skewed, mostly
		case 11:
			l.event("user.login", fmt.Sprint("user-", r.IntN(devices)), app, at)
		case 12:
			l.event("miniprogram.open", guid(1), fmt.Sprint("flood-", r.IntN(20)), at)
		default:
			l.event(types[r.IntN(len(types))], guid(r.IntN(devices)), app, at)
		}
		if r.IntN(n/8+1) == 0 {
			m := months[r.IntN(len(months))]
			if m == december {
				continue
			}
			var change func(*signed.Seal)
			switch r.IntN(8) {
			case 0:
				change = func(s *signed.Seal) { s.Cluster = "another" }
			case 1:
				change = func(s *signed.Seal) { s.RulesHash = "sha256:00" }
			case 2:
				change = func(s *signed.Seal) { s.Partition = 2 }
			case 3:
				change = func(s *signed.Seal) { s.Previous = nil }
			case 4:
				l.seal(book, m, previous[m], nil)
				v := l.records[len(l.records)-1].Value
				v[len(v)-20] ^= 1 // in the signature
				continue
			}
			l.seal(book, m, previous[m], change)
			if r.IntN(3) == 0 {
				l.seal(book, m, previous[m], nil)
			}
		}
	}
	return l.records
}

func limited(t *events.Template) {
	t.Limits = events.Limits{AppsPerPartition: 12, RecordBytes: 262, QuantitySources: 4}
	t.Precision = 10
}

// TestShardAgainstModel counts random logs with a shard, in calls of random size, cut at random places; restores another from
// the cuts, at random places too; and compares both with the model.
func TestShardAgainstModel(t *testing.T) {
	for seed := range uint64(60) {
		n, devices := 600, 30
		if seed%6 == 0 {
			n, devices = 9000, 2500
		}
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { shardAgainstModel(t, seed, n, devices) })
	}
}

func shardAgainstModel(t *testing.T, seed uint64, n, devices int) {
	r := rand.New(rand.NewPCG(seed, 1))
	book := newTestBook(func(t *events.Template) {
		limited(t)
		switch seed % 12 {
		case 0: // large windows
			t.Limits.DevicesPerApp, t.Limits.DevicesPerPartition = 1200, 3000
		case 1, 4:
			t.Limits.DevicesPerApp = 7
		case 2, 5:
			t.Limits.DevicesPerPartition = 60
		case 3:
			t.Limits.DevicesPerApp, t.Limits.DevicesPerPartition = 9, 50
		}
	})
	log := randomLog(r, book, n, devices)
	want := newModel(book)
	shard := NewShard(testID, book, testKeys)
	var deltas []*Delta
	var sealed []*Sealed
	var dead []DeadLetter
	at := 0
	for at < len(log) {
		done, z, err := shard.Count(log[at:min(len(log), at+1+r.IntN(400))])
		if err != nil {
			t.Fatalf("Count at offset %d: %v", log[at+done].Offset, err)
		}
		for i := range done {
			want.count(t, &log[at+i])
		}
		at += done
		if z != nil {
			sealed = append(sealed, z)
			if len(sealed) != len(want.sealed) {
				t.Fatalf("the shard sealed at offset %d, the model did not", z.Offset)
			}
			compareSealed(t, z, &want.sealed[len(sealed)-1])
		}
		if r.IntN(3) == 0 {
			dead = append(dead, shard.TakeDead()...)
			deltas = append(deltas, shard.Cut(Position{Next: events.Offset(at)}))
		}
		if r.IntN(12) == 0 { // a crash after the last cut is a replay from there; here, right after one
			deltas = append(deltas, shard.Cut(Position{Next: events.Offset(at)}))
			dead = append(dead, shard.TakeDead()...)
			shard = restore(t, book, deltas)
		}
	}
	dead = append(dead, shard.TakeDead()...)
	deltas = append(deltas, shard.Cut(Position{Next: events.Offset(at)}))
	if !slices.Equal(dead, want.dead) {
		t.Errorf("dead letters:\n%v, want\n%v", dead, want.dead)
	}
	if len(sealed) != len(want.sealed) {
		t.Errorf("%d months sealed, want %d", len(sealed), len(want.sealed))
	}
	for name, s := range map[string]*Shard{"counted": shard, "restored": restore(t, book, deltas)} {
		compareShard(t, name, s, want)
	}
	for i, z := range sealed { // what left the shard stays as it was
		compareSealed(t, z, &want.sealed[i])
	}
}

func restore(t *testing.T, book *testBook, deltas []*Delta) *Shard {
	t.Helper()
	s := NewShard(testID, book, testKeys)
	for i, d := range deltas {
		if err := s.Absorb(d); err != nil {
			t.Fatalf("Absorb of delta %d: %v", i, err)
		}
	}
	if err := s.Ready(); err != nil {
		t.Fatal(err)
	}
	return s
}

func compareShard(t *testing.T, name string, s *Shard, want *model) {
	t.Helper()
	if got := s.State(); !reflect.DeepEqual(got, want.state) {
		t.Errorf("%s: state\n%+v, want\n%+v", name, got, want.state)
	}
	open := map[events.Month]bool{}
	for id := range want.windows {
		if !id.Late {
			open[id.Month] = true
		}
	}
	if got := s.Months(); !slices.Equal(got, slices.Sorted(maps.Keys(open))) {
		t.Errorf("%s: open months %v, want %v", name, got, slices.Sorted(maps.Keys(open)))
	}
	for m := september; m <= december; m++ {
		z := s.Snapshot(m)
		if m > want.state.Sealed {
			if diff := sameContent(readAll(t, z.OnTime()), want.content(m, false)); diff != "" {
				t.Errorf("%s: snapshot of %s: %s", name, m, diff)
			}
		}
		late := want.content(m, true)
		if m == want.state.Sealed+1 {
			late = want.content(m-1, true)
		}
		if diff := sameContent(readAll(t, z.Late()), late); diff != "" {
			t.Errorf("%s: late of the snapshot of %s: %s", name, m, diff)
		}
	}
}

func compareSealed(t *testing.T, z *Sealed, want *modelSealed) {
	t.Helper()
	if z.Month != want.month || z.Offset != want.offset || z.Unattributed != want.unattributed {
		t.Errorf("sealed %s at %d, unattributed %+v; want %s at %d, %+v", z.Month, z.Offset, z.Unattributed, want.month, want.offset, want.unattributed)
	}
	if !slices.Equal(z.Remarks, want.remarks) || z.RemarkedFrom != 0 {
		t.Errorf("sealed %s: remarks from offset %d on\n%+v, want\n%+v", z.Month, z.RemarkedFrom, z.Remarks, want.remarks)
	}
	for range 2 { // each call reads from the start
		if diff := sameContent(readAll(t, z.OnTime()), want.onTime); diff != "" {
			t.Errorf("sealed %s: %s", z.Month, diff)
		}
		if diff := sameContent(readAll(t, z.Late()), want.late); diff != "" {
			t.Errorf("late facts sealed with %s: %s", z.Month, diff)
		}
	}
}
