package group

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"headcount/events"
)

// However members come, go and claim, two rounds make the shares even; no partition is in two hands on the way, and no member gives
// up more than it must.
func TestShare(t *testing.T) {
	base := rand.Uint64()
	for run := range uint64(500) {
		t.Logf("seed %d", base+run)
		rng := rand.New(rand.NewPCG(base+run, 0))
		n := 1 + rng.Int32N(40)
		owned := map[string][]events.Partition{} // by member, from generation to generation
		next := 0
		for generation := range 1 + rng.Int32N(6) {
			for _, id := range slices.Sorted(maps.Keys(owned)) {
				if rng.IntN(4) == 0 {
					delete(owned, id)
				}
			}
			for range rng.IntN(4) {
				owned[fmt.Sprintf("m%d-%d", rng.IntN(100), next)] = nil
				next++
			}
			if len(owned) == 0 {
				owned["last"] = nil
			}
			n += rng.Int32N(3)
			round := func() (given map[string][]events.Partition) {
				var members []claimant
				for id, ps := range owned {
					members = append(members, claimant{id: id, name: id, subscription: subscription{generation: generation, owned: ps}})
				}
				given = share(n, members)
				holders := map[events.Partition]string{}
				for id, ps := range owned { // until the owner has let go, it has it
					for _, p := range ps {
						holders[p] = id
					}
				}
				for id, ps := range given {
					for _, p := range ps {
						if was, ok := holders[p]; ok && was != id {
							t.Fatalf("partition %d goes to %s while %s has it", p, id, was)
						}
						holders[p] = id
					}
				}
				return given
			}
			first := round()
			for id, ps := range owned {
				if lost, most := len(without(ps, first[id])), max(0, len(ps)-int(n)/len(owned)); lost > most {
					t.Fatalf("%s gives up %d of %d, with %d partitions for %d", id, lost, len(ps), n, len(owned))
				}
			}
			owned = first
			owned = round()
			total := 0
			for id, ps := range owned {
				if len(ps) < int(n)/len(owned) || len(ps) > (int(n)+len(owned)-1)/len(owned) {
					t.Fatalf("%s has %d of %d partitions for %d members", id, len(ps), n, len(owned))
				}
				total += len(ps)
			}
			if total != int(n) {
				t.Fatalf("%d of %d partitions given", total, n)
			}
			if third := round(); !maps.EqualFunc(third, owned, slices.Equal[[]events.Partition]) {
				t.Fatalf("shares move without need: %v, then %v", owned, third)
			}
		}
	}
}

// Of two that claim a partition, the later generation has it.
func TestShareBelievesTheLatest(t *testing.T) {
	given := share(2, []claimant{
		{id: "a", name: "a", subscription: subscription{generation: 3, owned: []events.Partition{0, 1}}},
		{id: "b", name: "b", subscription: subscription{generation: 4, owned: []events.Partition{0}}},
	})
	if !slices.Equal(given["b"], []events.Partition{0}) || !slices.Equal(given["a"], []events.Partition{1}) {
		t.Errorf("%v", given)
	}
}

func TestSubscription(t *testing.T) {
	want := subscription{topic: "t", partitions: 9, generation: 4, owned: []events.Partition{2, 5}, installation: "ours"}
	got, err := decodeSubscription(want.encode(), "t")
	if err != nil || got.topic != "t" || got.partitions != 9 || got.generation != 4 || got.installation != "ours" || !slices.Equal(got.owned, want.owned) {
		t.Errorf("%+v, %v", got, err)
	}
	for n := range want.encode() {
		if _, err := decodeSubscription(want.encode()[:n], "t"); err == nil {
			t.Errorf("cut at %d: no error", n)
		}
	}
	if got, err := decodeAssignment(encodeAssignment("t", []events.Partition{5, 2}), "t"); err != nil || !slices.Equal(got, []events.Partition{2, 5}) {
		t.Errorf("assignment %v, %v", got, err)
	}
}

// A member that says the topic has two thousand million partitions gets no memory for them.
func TestSubscriptionThatLies(t *testing.T) {
	for partitions, want := range map[int32]bool{3: true, mostPartitions: true, mostPartitions + 1: false, 1<<31 - 1: false} {
		if _, err := decodeSubscription(subscription{topic: "t", partitions: partitions}.encode(), "t"); (err == nil) != want {
			t.Errorf("%d partitions: %v", partitions, err)
		}
	}
}
