package checkpoint

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"headcount/counter"
	"headcount/events"
	"headcount/events/identity"
	"headcount/internal/durable"
	"headcount/internal/durable/durabletest"
)

// fakeApps are apps and their rows, in memory.
type fakeApps []fakeApp

type fakeApp struct {
	counter.AppHeader
	rows []counter.Row
}

// reader reads them, a few rows at a time.
func (a fakeApps) reader() counter.RowReader { return &fakeReader{apps: a, app: -1} }

type fakeReader struct {
	apps      fakeApps
	app, next int
}

func (f *fakeReader) NextApp() (*counter.AppHeader, error) {
	f.app++
	f.next = 0
	if f.app >= len(f.apps) {
		return nil, io.EOF
	}
	return &f.apps[f.app].AppHeader, nil
}

func (f *fakeReader) Rows(buf []counter.Row) (int, error) {
	n := copy(buf[:min(len(buf), 1000)], f.apps[f.app].rows[f.next:])
	f.next += n
	return n, nil
}

// randomApps makes apps of up to most devices.
func randomApps(r *rand.Rand, apps, most, precision int, stretches bool) fakeApps {
	var all fakeApps
	for i := range apps {
		a := fakeApp{AppHeader: counter.AppHeader{App: fmt.Sprintf("app-%04d", i)}}
		a.Counters = counter.Counters{Events: r.Uint64N(1 << 40), Duplicates: r.Uint64N(1 << 30), Skewed: r.Uint64N(100)}
		if stretches {
			a.Stretch = counter.Stretch{Expired: r.Uint64N(9), Rejected: r.Uint64N(300), OverLimit: r.Uint64N(2), BeforeBooks: r.Uint64N(3)}
		}
		for range r.IntN(most + 1) {
			a.rows = append(a.rows, randomRow(r))
		}
		slices.SortFunc(a.rows, func(x, y counter.Row) int { return bytes.Compare(x.Fingerprint[:], y.Fingerprint[:]) })
		a.Devices = uint64(len(a.rows))
		for k := range a.Registers {
			if r.IntN(3) > 0 {
				continue
			}
			a.Registers[k] = make([]uint8, 1<<precision)
			for range r.IntN(2 << precision) {
				a.Registers[k][r.IntN(1<<precision)] = uint8(r.IntN(62))
			}
			a.Salt = identity.Salt{1, uint8(i), 15: 0xff}
		}
		for day := range r.IntN(4) {
			a.Totals = append(a.Totals, counter.Total{Quantity: events.Quantity{Meter: "storage", Source: "s", Day: events.Day(day), Revision: r.Int64() - r.Int64(), Value: r.Int64()}})
		}
		all = append(all, a)
	}
	return all
}

func randomRow(r *rand.Rand) counter.Row {
	var row counter.Row
	binary.BigEndian.PutUint64(row.Fingerprint[:], r.Uint64())
	binary.BigEndian.PutUint64(row.Fingerprint[8:], r.Uint64())
	for range 1 + r.IntN(3) {
		k := events.Kind(r.IntN(events.MaxKinds))
		row.Kinds = row.Kinds.With(k)
		row.Days[k] |= 1 << (1 + r.IntN(31))
	}
	return row
}

func randomSealed(seed uint64, apps, most, precision int) *counter.Sealed {
	r := rand.New(rand.NewPCG(seed, 3))
	onTime, late := randomApps(r, apps, most, precision, true), randomApps(r, apps/2, most/4, precision, false)
	return &counter.Sealed{
		Partition: shardID.Partition, Month: events.MonthOf(2026, 10), Offset: 12345, SealHash: "sha256:5ea1", SealID: "seal-1",
		RulesHash: "sha256:7a1e", KeyID: "key-1", Precision: precision, Unattributed: counter.Stretch{Rejected: 3},
		OnTime: onTime.reader, Late: late.reader,
	}
}

// sameRows says where two readers differ.
func sameRows(got, want counter.RowReader) error {
	a, b := make([]counter.Row, 700), make([]counter.Row, 700)
	for i := 0; ; i++ {
		g, err := got.NextApp()
		w, end := want.NextApp()
		if errors.Is(end, io.EOF) || err != nil {
			if err != end {
				return fmt.Errorf("app %d: %v, want %v", i, err, end)
			}
			return nil
		}
		if !reflect.DeepEqual(g, w) {
			return fmt.Errorf("app %d: %+v, want %+v", i, g, w)
		}
		for row := uint64(0); ; {
			n, err := fill(got, a)
			m, _ := fill(want, b)
			if err != nil || !slices.Equal(a[:n], b[:m]) {
				return fmt.Errorf("app %d: rows from %d on differ: %v", i, row, err)
			}
			if row += uint64(n); n == 0 {
				break
			}
		}
	}
}

func TestSealedComesBack(t *testing.T) {
	for _, c := range []struct{ apps, most, precision int }{{0, 0, 14}, {1, 0, 4}, {1, 1, 14}, {5, 100, 10}, {3, 20_000, 14}, {2, rowsPerBlock, 16}, {60, 3, 4}} {
		for _, seed := range seeds(t, 3) {
			p := open(t, newState())
			z := randomSealed(seed, c.apps, c.most, c.precision)
			if _, err := p.OpenSealed(t.Context(), z.Month); !errors.Is(err, ErrNotSealed) {
				t.Fatalf("before: %v", err)
			}
			x, err := p.Seal(t.Context(), z)
			if err != nil {
				t.Fatal(err)
			}
			again, err := p.Seal(t.Context(), z)
			if err != nil || !reflect.DeepEqual(again, x) {
				t.Fatalf("sealed again: %+v, %v, want %+v", again, err, x)
			}
			s, err := p.OpenSealed(t.Context(), z.Month)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(s.Index, x) {
				t.Errorf("index %+v, want %+v", s.Index, x)
			}
			if err := sameRows(s.OnTime(), z.OnTime()); err != nil {
				t.Errorf("%+v, seed %d, on time: %v", c, seed, err)
			}
			if err := sameRows(s.Late(), z.Late()); err != nil {
				t.Errorf("%+v, seed %d, late: %v", c, seed, err)
			}
			s.Close()
			if months, err := p.SealedMonths(t.Context()); err != nil || !slices.Equal(months, []events.Month{z.Month}) {
				t.Errorf("sealed months: %v, %v", months, err)
			}
		}
	}
}

// More totals than a block holds come back too.
func TestSealedManyTotals(t *testing.T) {
	z := randomSealed(1, 0, 0, 4)
	apps := randomApps(rand.New(rand.NewPCG(1, 1)), 3, 5, 4, true)
	for i := range 300_000 {
		apps[1].Totals = append(apps[1].Totals, counter.Total{Quantity: events.Quantity{Meter: "zz", Source: fmt.Sprintf("source-%020d", i), Value: int64(i)}})
	}
	z.OnTime = apps.reader
	p := open(t, newState())
	x, err := p.Seal(t.Context(), z)
	if err != nil {
		t.Fatal(err)
	}
	if x.Size < maxBlock {
		t.Fatalf("%d bytes are too few for this test", x.Size)
	}
	s, err := p.OpenSealed(t.Context(), z.Month)
	if err != nil {
		t.Fatal(err)
	}
	if err := sameRows(s.OnTime(), z.OnTime()); err != nil {
		t.Error(err)
	}
}

// The reader goes on to the next app wherever it is left.
func TestSealedSkipsRows(t *testing.T) {
	z := randomSealed(4, 6, 3*rowsPerBlock, 4)
	p := open(t, newState())
	if _, err := p.Seal(t.Context(), z); err != nil {
		t.Fatal(err)
	}
	s, err := p.OpenSealed(t.Context(), z.Month)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	got, want := s.OnTime(), z.OnTime()
	for {
		w, end := want.NextApp()
		g, err := got.NextApp()
		if errors.Is(end, io.EOF) {
			if !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			break
		}
		if err != nil || !reflect.DeepEqual(g, w) {
			t.Fatalf("%v: %+v, want %+v", err, g, w)
		}
		n := r.IntN(int(w.Devices) + 1)
		a, b := make([]counter.Row, n), make([]counter.Row, n)
		fill(got, a)
		fill(want, b)
		if !slices.Equal(a, b) {
			t.Fatalf("the first %d rows of %s differ", n, w.App)
		}
	}
}

// The same content has the same bytes; any other content has others, and is refused under the same index.
func TestSealedIsCanonical(t *testing.T) {
	var a, b bytes.Buffer
	for _, w := range []*bytes.Buffer{&a, &b} {
		if _, _, err := writeSealed(w, randomSealed(1, 4, 5000, 10)); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the same content has two encodings")
	}
	p := open(t, newState())
	if _, err := p.Seal(t.Context(), randomSealed(1, 4, 50, 10)); err != nil {
		t.Fatal(err)
	}
	other := randomSealed(1, 4, 50, 10)
	other.Offset++
	for _, z := range []*counter.Sealed{other, randomSealed(2, 4, 50, 10)} {
		_, err := p.Seal(t.Context(), z)
		if err == nil || !strings.Contains(err.Error(), "another content") {
			t.Errorf("another content: %v", err)
		}
	}
	if s, err := p.OpenSealed(t.Context(), other.Month); err != nil || sameRows(s.OnTime(), randomSealed(1, 4, 50, 10).OnTime()) != nil {
		t.Errorf("what was sealed first has changed: %v", err)
	}
}

// What is not as a RowReader promises is refused, and nothing is sealed.
func TestSealRefusesBadContent(t *testing.T) {
	good := func() fakeApps { return randomApps(rand.New(rand.NewPCG(1, 1)), 3, 20, 4, true) }
	for name, spoil := range map[string]func(fakeApps){
		"apps out of order":      func(a fakeApps) { a[0], a[1] = a[1], a[0] },
		"an app twice":           func(a fakeApps) { a[1].App = a[0].App },
		"rows out of order":      func(a fakeApps) { r := a[1].rows; r[0], r[1] = r[1], r[0] },
		"a row twice":            func(a fakeApps) { r := a[1].rows; r[1] = r[0] },
		"too few rows":           func(a fakeApps) { a[1].Devices++ },
		"a row without kinds":    func(a fakeApps) { a[1].rows[0].Kinds = 0 },
		"a kind without days":    func(a fakeApps) { a[1].rows[0].Days = [events.MaxKinds]uint32{} },
		"day 0":                  func(a fakeApps) { a[1].rows[0] = counter.Row{Kinds: 1, Days: [events.MaxKinds]uint32{1}} },
		"registers of another p": func(a fakeApps) { a[1].Registers[0] = make([]uint8, 32) },
		"totals out of order": func(a fakeApps) {
			a[1].Totals = []counter.Total{{Quantity: events.Quantity{Day: 2}}, {Quantity: events.Quantity{Day: 1}}}
		},
	} {
		z := randomSealed(1, 0, 0, 4)
		apps := good()
		z.OnTime = apps.reader
		spoil(apps)
		p := open(t, newState())
		if _, err := p.Seal(t.Context(), z); err == nil {
			t.Errorf("%s: no error", name)
		}
		if names, _ := p.bucket.List(t.Context(), p.sealed); len(names) > 0 {
			t.Errorf("%s: %v was written", name, names)
		}
	}
}

// Every bit of a sealed month that changes is seen and the file named; sealing the month again restores a damaged data file.
func TestSealedEveryBit(t *testing.T) {
	disk := newState()
	p := open(t, disk)
	z := randomSealed(6, 2, 3, 4)
	x, err := p.Seal(t.Context(), z)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{p.sealed + indexName(z.Month), p.sealed + x.Data} {
		for bit := range 8 * len(content(t, p.bucket, file)) {
			flip := func(b []byte) []byte { b[bit/8] ^= 1 << (bit % 8); return b }
			disk.corrupt(t, "state/"+file, flip)
			_, err := p.OpenSealed(t.Context(), z.Month)
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), file) {
				t.Fatalf("%s, bit %d: %v", file, bit, err)
			}
			disk.corrupt(t, "state/"+file, flip)
		}
	}
	// The blocks' own checksums see it too: what is read long after it was opened is not trusted either.
	whole := content(t, p.bucket, p.sealed+x.Data)
	for bit := range 8 * len(whole) {
		changed := []byte(whole)
		changed[bit/8] ^= 1 << (bit % 8)
		s, err := openSealed("data", openMem{bytes.NewReader(changed)}, 4)
		if err == nil {
			err = errors.Join(sameRows(s.onTime(), z.OnTime()), sameRows(s.late(), z.Late()))
		}
		if err == nil {
			t.Fatalf("bit %d: not seen by the blocks' checksums", bit)
		}
	}
	for name, change := range map[string]func([]byte) []byte{
		"a bit": func(b []byte) []byte { b[40] ^= 4; return b },
		"cut":   func(b []byte) []byte { return b[:50] },
		"empty": func([]byte) []byte { return nil },
	} {
		disk.corrupt(t, "state/"+p.sealed+x.Data, change)
		if again, err := p.Seal(t.Context(), z); err != nil || !reflect.DeepEqual(again, x) {
			t.Fatalf("%s: sealed again: %v", name, err)
		}
		if got := content(t, p.bucket, p.sealed+x.Data); got != whole {
			t.Fatalf("%s: the data file was not restored", name)
		}
	}
	if err := p.bucket.Delete(t.Context(), p.sealed+x.Data); err != nil {
		t.Fatal(err)
	}
	if _, err := p.OpenSealed(t.Context(), z.Month); !errors.Is(err, ErrDamaged) {
		t.Errorf("data file gone: %v", err)
	}
	if _, err := p.Seal(t.Context(), z); err != nil || content(t, p.bucket, p.sealed+x.Data) != whole {
		t.Errorf("data file gone: it was not restored: %v", err)
	}
}

// After a crash at any operation the month is sealed, or is not and can be; nothing is left over.
func TestSealCrash(t *testing.T) {
	for _, seed := range seeds(t, 3) {
		for k := 0; ; k++ {
			disk := newState()
			z := randomSealed(9, 3, 100, 4)
			fired := disk.CrashAt(k)
			_, promised := open(t, disk).Seal(t.Context(), z)
			for lost, memory := range disk.Losses(seed, k) {
				where := fmt.Sprintf("seed %d, crash at operation %d, %s of what was not synced lost", seed, k, lost)
				after := inMemory(memory)
				p := open(t, after)
				_, err := p.Index(t.Context(), z.Month)
				if promised == nil && err != nil || err != nil && !errors.Is(err, ErrNotSealed) {
					t.Fatalf("%s: %v", where, err)
				}
				if _, err := p.Seal(t.Context(), z); err != nil {
					t.Fatalf("%s: %v", where, err)
				}
				checkSealed(t, p, z, where)
				if n := after.Temporaries(); n > 0 {
					t.Fatalf("%s: %d temporary files stay", where, n)
				}
			}
			if !*fired {
				break
			}
		}
	}
}

// An index that was found lasts, whoever made it and died.
func TestFoundIndexLasts(t *testing.T) {
	disk := newState()
	disk.Before = func(op, path string) error {
		if op == "sync folder" && strings.HasSuffix(path, "/sealed") && disk.visible(path) == 2 {
			disk.Dead = true
			return durabletest.ErrDead
		}
		return nil
	}
	z := randomSealed(9, 3, 100, 4)
	if _, err := open(t, disk).Seal(t.Context(), z); err == nil || !disk.Dead {
		t.Fatalf("no crash: %v", err)
	}
	if _, err := open(t, inMemory(disk.Memory)).Index(t.Context(), z.Month); err != nil {
		t.Fatal(err)
	}
	checkSealed(t, open(t, inMemory(disk.Lose(nil))), z, "after the crash")
}

// visible counts the files in a folder that are not temporary, from within Before.
func (d memDisk) visible(path string) (n int) {
	d.Unlocked(func() {
		entries, _ := d.List(path)
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), durable.Temporary) {
				n++
			}
		}
	})
	return n
}

// checkSealed checks content and files of a sealed month.
func checkSealed(t *testing.T, p *Partition, z *counter.Sealed, when string) {
	t.Helper()
	s, err := p.OpenSealed(t.Context(), z.Month)
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	defer s.Close()
	if err := errors.Join(sameRows(s.OnTime(), z.OnTime()), sameRows(s.Late(), z.Late())); err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	if names, err := p.bucket.List(t.Context(), p.sealed); err != nil || len(names) != 2 {
		t.Fatalf("%s: want two files, there are %v, %v", when, names, err)
	}
}

func TestSealFailures(t *testing.T) {
	for _, with := range []error{syscall.ENOSPC, syscall.EIO} {
		for k := 0; ; k++ {
			disk := newState()
			p := open(t, disk)
			z := randomSealed(9, 3, 100, 4)
			fired, op := disk.FailAt(k, with)
			_, err := p.Seal(t.Context(), z)
			if err != nil && !errors.Is(err, with) || errors.Is(err, ErrFatal) != strings.HasPrefix(*op, "sync") {
				t.Fatalf("%v at %s: %v", with, *op, err)
			}
			if !*fired {
				break
			}
			p = open(t, inMemory(disk.Memory))
			if _, err := p.Seal(t.Context(), z); err != nil {
				t.Fatalf("%v at %s, again: %v", with, *op, err)
			}
			checkSealed(t, p, z, fmt.Sprintf("%v at %s", with, *op))
		}
	}
}

// Any number may seal the same month at once.
func TestSealRace(t *testing.T) {
	folder := t.TempDir()
	z := randomSealed(3, 5, 500, 4)
	var wg sync.WaitGroup
	indexes := make([]*Index, 6)
	for i := range indexes {
		wg.Go(func() {
			b, err := OpenDirectory(folder)
			if err == nil {
				indexes[i], err = OpenTopic(b, "t", shardID.TopicID).Partition(shardID).Seal(context.Background(), z)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	b, _ := OpenDirectory(folder)
	for _, x := range indexes {
		if !reflect.DeepEqual(x, indexes[0]) {
			t.Errorf("index %+v, another has %+v", x, indexes[0])
		}
	}
	checkSealed(t, OpenTopic(b, "t", shardID.TopicID).Partition(shardID), z, "race")
}
