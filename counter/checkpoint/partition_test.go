package checkpoint

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"headcount/counter"
	"headcount/events"
	"headcount/internal/durable/durabletest"
)

var shardID = counter.Identity{Cluster: "cluster", TopicID: "0198f7d2-6a4c-7c31-9b55-0f6d0a5b7c11", Partition: 3}

func template() *events.Template {
	return &events.Template{TimeZone: "UTC", Precision: 14, Limits: events.DefaultLimits, KeyID: "key-1", SealKey: make(ed25519.PublicKey, ed25519.PublicKeySize)}
}

// prepared are memories that hold the rules of the months that scripts use, and another one their sealed indexes too.
var prepared = sync.OnceValue(func() (memories [2]*durabletest.Memory) {
	ctx := context.Background()
	m := durabletest.NewMemory()
	b, err := openOn(inMemory(m), "state")
	if err != nil {
		panic(err)
	}
	topic := OpenTopic(b, "sdk-events", shardID.TopicID)
	rules, err := topic.Rules(ctx, template())
	if err != nil {
		panic(err)
	}
	const from, to = 2026*12 + 7, 2028*12 + 7
	for m := events.Month(from); m < to; m++ {
		if _, err := rules.MonthRules(m); err != nil {
			panic(err)
		}
	}
	memories[0] = m.Lose(nil)
	for m := events.Month(from); m < to; m++ {
		z := &counter.Sealed{Partition: shardID.Partition, Month: m, SealHash: sealOf(m), Precision: 4}
		if _, err := topic.Partition(shardID).Seal(ctx, z); err != nil {
			panic(err)
		}
	}
	memories[1] = m.Lose(nil)
	return memories
})

// newState returns a disk that holds rules.
func newState() memDisk { return inMemory(prepared()[0].Lose(nil)) }

// sealedState returns a disk on which scripts can save.
func sealedState() memDisk { return inMemory(prepared()[1].Lose(nil)) }

// open opens the partition on a disk, as a process that has just begun.
func open(t testing.TB, d disk) *Partition {
	t.Helper()
	b, err := openOn(d, "state")
	if err != nil {
		t.Fatal(err)
	}
	return OpenTopic(b, "sdk-events", shardID.TopicID).Partition(shardID)
}

// begin opens and loads; where there is no checkpoint the model is empty.
func begin(t testing.TB, d disk) (*Partition, *model, *Loaded) {
	t.Helper()
	p := open(t, d)
	m, loaded, err := load(t.Context(), p, newModel)
	if errors.Is(err, ErrNone) {
		return p, newModel(), loaded
	}
	if err != nil {
		t.Fatal(err)
	}
	return p, m, loaded
}

// seeds are those a random test runs with.
func seeds(t *testing.T, n int) []uint64 {
	t.Helper()
	all := []uint64{rand.Uint64()}
	for i := range n - 1 {
		all = append(all, uint64(i))
	}
	return all
}

// What is loaded is what all deltas make, whenever it is loaded.
func TestLoadIsAbsorbingAllDeltas(t *testing.T) {
	for _, seed := range seeds(t, 4) {
		s := newScript(seed)
		disk := sealedState()
		p, _, _ := begin(t, disk)
		for i := range 120 {
			d := s.next(t)
			saved, err := p.Save(t.Context(), d)
			if err != nil || saved.Postponed != nil {
				t.Fatalf("seed %d, delta %d: %v, %v", seed, i, err, saved)
			}
			if s.r.IntN(5) == 0 {
				again, got, loaded := begin(t, disk)
				if diff := got.diff(s.truth); diff != "" {
					t.Fatalf("seed %d, delta %d: %s", seed, i, diff)
				}
				if loaded.Generation != saved.Generation || loaded.Position != d.Position || len(loaded.Skipped) > 0 {
					t.Fatalf("seed %d, delta %d: loaded %+v, saved %+v", seed, i, loaded, saved)
				}
				if s.r.IntN(2) == 0 {
					p = again
				}
			}
		}
	}
}

// No checkpoint goes past a seal whose month is not durable.
func TestSaveAfterSeal(t *testing.T) {
	p, _, _ := begin(t, newState())
	d := &counter.Delta{Partition: shardID.Partition, State: counter.State{Sealed: october, SealHash: "sha256:5ea1"}}
	if _, err := p.Save(t.Context(), d); !errors.Is(err, ErrNotSealed) {
		t.Errorf("not sealed: %v", err)
	}
	if _, err := p.Seal(t.Context(), randomSealed(1, 1, 1, 4)); err != nil {
		t.Fatal(err)
	}
	d.State.SealHash = "sha256:5ea2"
	if _, err := p.Save(t.Context(), d); err == nil || !strings.Contains(err.Error(), "sha256:5ea2") || !strings.Contains(err.Error(), "sha256:5ea1") {
		t.Errorf("another seal: %v", err)
	}
	d.State.SealHash = "sha256:5ea1"
	if _, err := p.Save(t.Context(), d); err != nil {
		t.Error(err)
	}
}

// Windows larger than parts and blocks come back as they went.
func TestLargeWindows(t *testing.T) {
	s := newScript(1)
	s.most = 40_000
	s.apps = s.apps[:2]
	disk := sealedState()
	p, _, _ := begin(t, disk)
	for range 12 {
		if saved, err := p.Save(t.Context(), s.next(t)); err != nil || saved.Postponed != nil {
			t.Fatal(err, saved)
		}
	}
	if _, got, _ := begin(t, disk); got.diff(s.truth) != "" {
		t.Error(got.diff(s.truth))
	}
}

// Two generations are kept, sharing segments, and nothing else.
func TestGarbage(t *testing.T) {
	s := newScript(2)
	disk := sealedState()
	p, _, _ := begin(t, disk)
	for i := range 60 {
		saved, err := p.Save(t.Context(), s.next(t))
		if err != nil {
			t.Fatal(err)
		}
		names, err := p.bucket.List(t.Context(), p.folder)
		if err != nil {
			t.Fatal(err)
		}
		kept := map[string]bool{}
		if p.newest > 2 {
			kept[p.folder+passedName(1)] = true
		}
		for _, m := range []*manifest{p.current, p.previous} {
			if m != nil {
				kept[p.folder+manifestName(m.Generation)] = true
				for _, g := range m.Segments {
					kept[p.folder+g.Name] = true
				}
			}
		}
		for _, name := range names {
			if !kept[name] {
				t.Errorf("after save %d: %s is garbage", i, name)
			}
			delete(kept, name)
		}
		if len(kept) > 0 {
			t.Errorf("after save %d: missing %v", i, kept)
		}
		if i > 0 {
			if _, err := p.restore(t.Context(), p.previous.Generation, newModel()); err != nil {
				t.Errorf("after save %d: the generation before does not verify: %v", i, err)
			}
		}
		if saved.Generation != p.current.Generation {
			t.Errorf("saved generation %d, the newest is %d", saved.Generation, p.current.Generation)
		}
	}
}

// After a crash at any operation, with nothing of what was not synced lost, some or all of it, the newest state that was promised is there, or one that
// was about to be; and counting goes on from it to the same end.
func TestSaveCrash(t *testing.T) {
	saves := 14
	if testing.Short() {
		saves = 6 // slow under the race detector
	}
	back := map[string]int{} // crashes after which only what was promised was there
	defer func() {
		t.Logf("what was under way was gone after so many crashes: %v", back)
		if back["all"] <= back["nothing"] || back["nothing"] == 0 {
			t.Errorf("the losses make no difference: %v", back)
		}
	}()
	for _, seed := range seeds(t, 2) {
		for k := 0; ; k++ {
			s := newScript(seed)
			disk := sealedState()
			fired := disk.CrashAt(k)
			var deltas []*counter.Delta
			var states []*model
			promised := -1
			p := open(t, disk)
			_, _, err := load(t.Context(), p, newModel)
			for i := range saves {
				deltas = append(deltas, s.next(t))
				states = append(states, s.truth.clone())
				if errors.Is(err, ErrNone) {
					if _, e := p.Save(t.Context(), deltas[i]); e == nil {
						promised = i
					} else if !*fired {
						t.Fatal(e)
					}
				}
			}
			for lost, memory := range disk.Losses(seed, k) {
				where := fmt.Sprintf("seed %d, crash at operation %d, %s of what was not synced lost", seed, k, lost)
				after := inMemory(memory)
				p, got, loaded := begin(t, after)
				if len(loaded.Skipped) > 0 {
					t.Fatalf("%s: %v", where, loaded.Skipped)
				}
				at := slices.IndexFunc(states, func(m *model) bool { return got.diff(m) == "" })
				if loaded.Generation == 0 {
					at = -1
				} else if at < 0 {
					t.Fatalf("%s: what was loaded is no state there ever was", where)
				}
				if at < promised {
					t.Fatalf("%s: state %d was loaded, %d promised", where, at, promised)
				}
				if *fired && at == promised {
					back[lost]++
				}
				for _, d := range deltas[at+1:] {
					if _, err := p.Save(t.Context(), d); err != nil {
						t.Fatalf("%s: %v", where, err)
					}
				}
				if _, got, _ := begin(t, after); got.diff(s.truth) != "" {
					t.Fatalf("%s: the end differs: %s", where, got.diff(s.truth))
				}
				if n := after.Temporaries(); n > 0 && at+1 < saves {
					t.Fatalf("%s: %d temporary files stay", where, n)
				}
			}
			if !*fired {
				t.Logf("seed %d: %d operations", seed, k)
				break
			}
		}
	}
}

// A save that fails may be tried again, unless an fsync failed: then nothing more is written, and a new process finds a good
// state.
func TestSaveFailures(t *testing.T) {
	for _, with := range []error{syscall.ENOSPC, syscall.EIO, syscall.EMFILE} {
		for k := 0; ; k++ {
			s := newScript(5)
			disk := sealedState()
			p, _, _ := begin(t, disk)
			fired, op := disk.FailAt(k, with)
			for range 12 {
				before := s.truth.clone()
				d := s.next(t)
				_, err := p.Save(t.Context(), d)
				switch {
				case errors.Is(err, ErrFatal):
					if !strings.HasPrefix(*op, "sync") {
						t.Fatalf("%v at %s: %v", with, *op, err)
					}
					if _, again := p.Save(t.Context(), d); again == nil {
						t.Fatalf("%v at %s: a save after a failed fsync", with, *op)
					}
					q, got, _ := begin(t, inMemory(disk.Memory))
					if got.diff(s.truth) != "" {
						if diff := got.diff(before); diff != "" {
							t.Fatalf("%v at %s: %s", with, *op, diff)
						}
						if _, err := q.Save(t.Context(), d); err != nil {
							t.Fatal(err)
						}
					}
					p = q
				case err != nil:
					if !errors.Is(err, with) {
						t.Fatalf("%v at %s: %v", with, *op, err)
					}
					if _, err := p.Save(t.Context(), d); err != nil {
						t.Fatalf("%v at %s, tried again: %v", with, *op, err)
					}
				}
			}
			if _, got, loaded := begin(t, inMemory(disk.Lose(nil))); got.diff(s.truth) != "" || len(loaded.Skipped) > 0 {
				t.Fatalf("%v at %s: %s %v", with, *op, got.diff(s.truth), loaded.Skipped)
			}
			if !*fired {
				break
			}
		}
	}
}

// Every bit of a checkpoint that changes is seen, the file named, and the generation before loaded.
func TestEveryBit(t *testing.T) {
	s := newScript(7)
	s.most, s.apps = 2, s.apps[:1]
	memory := sealedState().Memory
	p, _, _ := begin(t, inMemory(memory))
	var before *model
	for i := range 2 {
		before = s.truth.clone()
		for len(s.truth.Windows) == 0 || i > 0 && s.truth.Position == before.Position {
			d := s.next(t)
			if _, err := p.Save(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
	}
	files := []string{p.folder + manifestName(p.current.Generation), p.folder + p.current.Segments[len(p.current.Segments)-1].Name}
	if slices.ContainsFunc(p.previous.Segments, func(g segment) bool { return p.folder+g.Name == files[1] }) {
		t.Fatal("both generations share all segments")
	}
	for _, file := range files {
		size := len(content(t, p.bucket, file))
		for bit := range 8 * size {
			flip := func(b []byte) []byte { b[bit/8] ^= 1 << (bit % 8); return b }
			inMemory(memory).corrupt(t, "state/"+file, flip)
			got, loaded, err := load(t.Context(), p, newModel)
			inMemory(memory).corrupt(t, "state/"+file, flip)
			if err != nil {
				t.Fatalf("%s, bit %d: %v", file, bit, err)
			}
			if len(loaded.Skipped) != 1 || !strings.Contains(loaded.Skipped[0], file) {
				t.Fatalf("%s, bit %d: skipped %q", file, bit, loaded.Skipped)
			}
			if diff := got.diff(before); diff != "" {
				t.Fatalf("%s, bit %d: %s", file, bit, diff)
			}
		}
		for n := range size {
			whole := content(t, p.bucket, file)
			inMemory(memory).corrupt(t, "state/"+file, func(b []byte) []byte { return b[:n] })
			_, loaded, err := load(t.Context(), p, newModel)
			inMemory(memory).corrupt(t, "state/"+file, func([]byte) []byte { return []byte(whole) })
			if err != nil || len(loaded.Skipped) != 1 {
				t.Fatalf("%s cut to %d bytes: %v, %v", file, n, loaded, err)
			}
		}
	}
	if _, got, _ := begin(t, inMemory(memory)); got.diff(s.truth) != "" {
		t.Error("the test has left damage")
	}
}

// Of two writers one goes on, the other learns that it is lost, and what is loaded is sound whoever was faster.
func TestTwoWriters(t *testing.T) {
	for _, seed := range seeds(t, 8) {
		r := rand.New(rand.NewPCG(seed, 2))
		s := newScript(seed)
		disk := sealedState()
		deltas, states := []*counter.Delta{}, []*model{newModel()}
		for range 30 {
			deltas = append(deltas, s.next(t))
			states = append(states, s.truth.clone())
		}
		// Each writer saves deltas from where it loaded; both are interrupted by the other at any time.
		type writer struct {
			p  *Partition
			at int
		}
		start := func() writer {
			p, got, loaded := begin(t, disk)
			at := slices.IndexFunc(states, func(m *model) bool { return got.diff(m) == "" })
			if at < 0 {
				t.Fatalf("seed %d: what was loaded is no state there ever was (%v)", seed, loaded)
			}
			return writer{p, at}
		}
		writers := []writer{start(), start()}
		lost, newest := 0, 0
		for step := 0; step < 200 && newest < len(deltas); step++ {
			i := r.IntN(2)
			w := &writers[i]
			if w.at == len(deltas) {
				break
			}
			_, err := w.p.Save(t.Context(), deltas[w.at])
			switch {
			case err == nil:
				w.at++
				newest = max(newest, w.at)
			case errors.Is(err, ErrLost):
				lost++
				if _, err := w.p.Save(t.Context(), deltas[w.at]); err == nil {
					t.Fatalf("seed %d: a lost writer saved", seed)
				}
				*w = start()
			default:
				t.Fatalf("seed %d: %v", seed, err)
			}
			if got := start(); got.at < newest {
				t.Fatalf("seed %d: state %d was loaded where %d was saved", seed, got.at, newest)
			}
		}
		if lost == 0 {
			t.Errorf("seed %d: no writer lost", seed)
		}
	}
}

// A writer that wakes after many generations of another takes nothing away, whenever it fell asleep.
func TestZombie(t *testing.T) {
	for k := 0; ; k++ {
		s := newScript(11)
		disk := sealedState()
		p, _, _ := begin(t, disk)
		for range 3 {
			if _, err := p.Save(t.Context(), s.next(t)); err != nil {
				t.Fatal(err)
			}
		}
		z := inMemory(disk.Memory)
		zombie, _, _ := begin(t, z)
		d := s.next(t)
		// At its k-th operation the zombie sleeps while the other goes on.
		n, slept := 0, false
		z.Before = func(op, path string) error {
			if n++; n == k+1 {
				slept = true
				disk.Unlocked(func() {
					if _, err := p.Save(t.Context(), d); err != nil && !errors.Is(err, ErrLost) {
						t.Error(err)
					} else if err != nil {
						p, _, _ = begin(t, disk)
					}
					for range 20 {
						if _, err := p.Save(t.Context(), s.next(t)); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			return nil
		}
		_, err := zombie.Save(t.Context(), d)
		if slept && err != nil && !errors.Is(err, ErrLost) {
			t.Fatalf("asleep at operation %d: %v", k, err)
		}
		z.Before = nil
		if slept && err == nil {
			if _, err := zombie.Save(t.Context(), s.next(t)); !errors.Is(err, ErrLost) {
				t.Fatalf("asleep at operation %d: the zombie goes on: %v", k, err)
			}
			continue
		}
		if !slept {
			break
		}
		if _, got, loaded := begin(t, disk); got.diff(s.truth) != "" || len(loaded.Skipped) > 0 {
			t.Fatalf("asleep at operation %d: %s %v", k, got.diff(s.truth), loaded.Skipped)
		}
		if _, err := p.Save(t.Context(), s.next(t)); err != nil {
			t.Fatalf("asleep at operation %d: the other cannot go on: %v", k, err)
		}
		if err := errors.Join(fileErrors(t, p)...); err != nil {
			t.Fatalf("asleep at operation %d: %v", k, err)
		}
	}
}

// fileErrors names the files of checkpoints that no kept manifest names, and that are not there for good.
func fileErrors(t *testing.T, p *Partition) (errs []error) {
	t.Helper()
	names, err := p.bucket.List(t.Context(), p.folder)
	if err != nil {
		return []error{err}
	}
	for _, name := range names {
		file := strings.TrimPrefix(name, p.folder)
		named := strings.HasPrefix(file, passedName(1))
		for _, m := range []*manifest{p.current, p.previous} {
			named = named || file == manifestName(m.Generation) || slices.ContainsFunc(m.Segments, func(g segment) bool { return g.Name == file })
		}
		if !named {
			errs = append(errs, fmt.Errorf("%s is garbage", name))
		}
	}
	return errs
}
