package dictionary

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"headcount/events/identity"
)

// TestDictionaryNumbersInOrder holds a dictionary to a map while it grows through every form of its segments.
func TestDictionaryNumbersInOrder(t *testing.T) {
	const n = 350_000
	r := rand.NewPCG(1, 2)
	d := New(1)
	want := make(map[identity.Fingerprint]uint32, n)
	prints := make([]identity.Fingerprint, 0, n)
	check := func(i int) {
		t.Helper()
		if got, ok := d.Find(&prints[i]); !ok || got != uint32(i) {
			t.Fatalf("after %d: find of ordinal %d: %d, %v", len(prints), i, got, ok)
		}
	}
	for i := range n {
		f := fastPrint(r)
		if _, ok := d.Find(&f); ok {
			t.Fatalf("%s is there before it was inserted", f)
		}
		got, err := d.Insert(&f)
		if err != nil || got != uint32(i) {
			t.Fatalf("insert %d: ordinal %d, %v", i, got, err)
		}
		want[f] = uint32(i)
		prints = append(prints, f)
		check(i)
		check(int(r.Uint64() % uint64(len(prints))))
	}
	if len(want) != n || d.n != n {
		t.Fatalf("%d devices, want %d", d.n, n)
	}
	for i := range prints {
		check(i)
	}
	if d.depth < 3 {
		t.Errorf("depth %d: the test splits no segments", d.depth)
	}
}

// TestDictionaryNearKeys uses hashes that agree in segment, slot and tag, so that only the keys tell devices apart.
func TestDictionaryNearKeys(t *testing.T) {
	d := New(1)
	near := func(i int) (f identity.Fingerprint) {
		binary.LittleEndian.PutUint64(f[:8], 0x1234567812345678)
		binary.LittleEndian.PutUint32(f[12:], uint32(i))
		return f
	}
	for i := range 300 {
		f := near(i)
		if _, ok := d.Find(&f); ok {
			t.Fatalf("device %d is there before it was inserted", i)
		}
		if got, err := d.Insert(&f); err != nil || got != uint32(i) {
			t.Fatalf("insert %d: %d, %v", i, got, err)
		}
	}
	for i := range 300 {
		f := near(i)
		if got, ok := d.Find(&f); !ok || got != uint32(i) {
			t.Fatalf("find %d: %d, %v", i, got, ok)
		}
	}
}

// TestSegmentWidths holds slots to their tags at every number of ordinals, up to those that leave no bit for one.
func TestSegmentWidths(t *testing.T) {
	for _, ordinals := range []uint64{1, 1000, 1 << 20, 1 << 30, 1<<31 - 1, 1 << 31, MaxDevices} {
		s := newSegment(newHolding(), minSlots, 0, ordinals)
		last := uint32(min(ordinals, MaxDevices) - 1)
		if !s.fits(last) {
			t.Fatalf("a segment for %d ordinals has no room for the last", ordinals)
		}
		h := uint64(0x0123456789abcdef)
		s.place(h, last)
		if got, ok := s.candidate(h); !ok || got != last {
			t.Errorf("%d ordinals: candidate %d, %v; want %d", ordinals, got, ok, last)
		}
		if s.width < 32 {
			if _, ok := s.candidate(h ^ 1); ok {
				t.Errorf("%d ordinals: another tag finds the device", ordinals)
			}
		}
	}
}

// TestDictionaryRebuildsForWidth lets the ordinals outgrow the slots of a segment that is not full.
func TestDictionaryRebuildsForWidth(t *testing.T) {
	d := New(100)
	d.directory[0].width = 5
	r := rand.NewPCG(3, 4)
	var prints []identity.Fingerprint
	for i := range 60 {
		prints = append(prints, fastPrint(r))
		if _, err := d.Insert(&prints[i]); err != nil {
			t.Fatal(err)
		}
	}
	for i := range prints {
		if got, ok := d.Find(&prints[i]); !ok || got != uint32(i) {
			t.Fatalf("find %d: %d, %v", i, got, ok)
		}
	}
}

func TestDictionaryIsFull(t *testing.T) {
	d := New(1)
	d.n = MaxDevices
	f := testPrint(1)
	if _, err := d.Insert(&f); !errors.Is(err, ErrFull) {
		t.Fatalf("insert into a full dictionary: %v", err)
	}
	if d.n != MaxDevices {
		t.Errorf("the insert that failed left %d devices", d.n)
	}
}

// TestDictionaryMemory holds the dictionary to what is promised of it, at every size.
func TestDictionaryMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("slow under the race detector")
	}
	r := rand.NewPCG(5, 6)
	d := New(1)
	longest, most := time.Duration(0), 0.0
	for i := 1; i <= 1_500_000; i++ {
		f := fastPrint(r)
		begin := time.Now()
		if _, err := d.Insert(&f); err != nil {
			t.Fatal(err)
		}
		longest = max(longest, time.Since(begin))
		if i >= 300_000 && i%50_000 == 0 {
			slots := 0
			for j, s := range d.directory {
				if j == 0 || d.directory[j-1] != s {
					slots += len(s.slots) + 16
				}
			}
			each := float64(len(d.chunks)*chunkEntries*20+slots*4+len(d.directory)*8+len(d.chunks)*8) / float64(i)
			most = max(most, each)
			if each > 26 {
				t.Errorf("%d devices: %.2f bytes each, want at most 26", i, each)
			}
		}
	}
	t.Logf("at most %.2f bytes a device, longest insertion %v", most, longest)
}
