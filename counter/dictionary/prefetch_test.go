package dictionary

import (
	"math/rand/v2"
	"testing"

	"headcount/events"
	"headcount/events/identity"
)

// TestBatch holds what a batch finds, with vectors and without, to the dictionaries and their entries.
func TestBatch(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	with := vectors
	defer func() { vectors = with }()
	sizes := []int{1, 1000, 9000, 120_000} // segments on the heap, outside it, and several of them
	dictionaries := make([]*Dictionary, len(sizes))
	for i, n := range sizes {
		d := New(1)
		for j := range n {
			f := testPrint(i<<20 + j)
			ordinal, err := d.Insert(&f)
			if err != nil {
				t.Fatal(err)
			}
			d.At(ordinal).Seen = Seen(r.IntN(3))<<16 | Seen(r.IntN(8))
		}
		dictionaries[i] = d
	}
	b := new(Batch)
	var repeats, known, missed, unknown int
	for round := range 4000 {
		vectors = with && round%2 == 0
		var in [BatchSize]*Dictionary
		var prints [BatchSize]identity.Fingerprint
		var now [BatchSize]Seen
		var found, before [BatchSize]uint8
		var ordinals [BatchSize]uint32
		b.Reset()
		for i := range r.IntN(BatchSize + 1) {
			found[i] = uint8(r.IntN(2)) << 1
			before[i], ordinals[i] = found[i], 7
			if r.IntN(20) == 0 {
				continue // not added
			}
			which := r.IntN(len(sizes))
			in[i], prints[i] = dictionaries[which], testPrint(which<<20+r.IntN(sizes[which]*5/4+1))
			now[i] = SeenOn(events.Day(r.IntN(3)), events.Kind(r.IntN(3)))
			b.Add(&prints[i], uint8(i), now[i]).In(in[i])
		}
		b.Seek()
		b.Find(&found, &ordinals)
		for i, d := range in {
			if d == nil {
				if found[i] != before[i] || ordinals[i] != 7 && ordinals[i] != 0 {
					t.Fatalf("event %d was not added: found %b, ordinal %d", i, found[i], ordinals[i])
				}
				continue
			}
			ordinal, there := d.Find(&prints[i])
			want := before[i]
			switch {
			case !there:
				unknown++
				ordinal = None
			case ordinals[i] == None:
				missed++ // it may
				ordinal = None
			default:
				known++
				if seen := d.At(ordinal).Seen; seen.Day() == now[i].Day() && seen&now[i]&0xffff != 0 {
					want |= Repeat
					repeats++
				}
			}
			if found[i] != want || ordinals[i] != ordinal {
				t.Fatalf("event %d, vectors %t: found %b, want %b; ordinal %d, want %d", i, vectors, found[i], want, ordinals[i], ordinal)
			}
		}
	}
	if repeats < known/20 || missed > known/20 || unknown == 0 {
		t.Errorf("of %d known devices %d were repeats, and %d more were missed; %d were not known", known, repeats, missed, unknown)
	}
}
