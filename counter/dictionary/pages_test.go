package dictionary

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"
	"unsafe"
)

// TestPages takes and releases pieces at random, and wants none to overlap and all pages to come back.
func TestPages(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	before := bytesAtRest()
	var held []piece
	at := func(p piece) uintptr { return uintptr(p.at()) }
	for range 3000 {
		if len(held) > 0 && r.IntN(5) < 2 {
			i := r.IntN(len(held))
			held[i].release()
			held = slices.Delete(held, i, i+1)
			continue
		}
		p := allocate(1 + r.IntN(70*pageBytes))
		memory := unsafe.Slice((*byte)(p.at()), p.pages*pageBytes)
		memory[0], memory[len(memory)-1] = 1, 1
		held = append(held, p)
	}
	slices.SortFunc(held, func(a, b piece) int { return int(int64(at(a)) - int64(at(b))) })
	pages := 0
	for i, p := range held {
		pages += p.pages
		if i > 0 && at(held[i-1])+uintptr(held[i-1].pages*pageBytes) > at(p) {
			t.Fatalf("pieces at %#x and %#x overlap", at(held[i-1]), at(p))
		}
	}
	if got := BytesInUse() - before; got != uint64(pages*pageBytes) {
		t.Errorf("%d bytes in use, want %d", got, pages*pageBytes)
	}
	for _, p := range held {
		p.release()
	}
	if got := BytesInUse(); got != before {
		t.Errorf("%d bytes in use at the end, %d before", got, before)
	}
}

// TestPagesComeBack wants the memory of a dictionary that nobody holds any more.
func TestPagesComeBack(t *testing.T) {
	before := bytesAtRest() // in pages: where the system maps none, a first region stays on the heap
	d := New(1)
	for i := range 200_000 {
		print := testPrint(i)
		if _, err := d.Insert(&print); err != nil {
			t.Fatal(err)
		}
	}
	if got := BytesInUse(); got < before+200_000*20 {
		t.Errorf("%d bytes in use, %d before: less than the entries take", got, before)
	}
	runtime.KeepAlive(d)
	for range 100 {
		if bytesAtRest() == before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d bytes in use long after, %d before", BytesInUse(), before)
}
