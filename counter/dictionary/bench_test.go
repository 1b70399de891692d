package dictionary

import (
	"math/rand/v2"
	"testing"

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

func BenchmarkDictionaryInsert(b *testing.B) {
	prints := benchPrints(benchDevices)
	defer cpuTime(b)()
	var d *Dictionary
	for i := range b.N {
		if i%benchDevices == 0 {
			d = New(1)
		}
		if _, err := d.Insert(&prints[i%benchDevices]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDictionaryHit(b *testing.B) {
	prints := benchPrints(benchDevices)
	d := New(1)
	for i := range prints {
		if _, err := d.Insert(&prints[i]); err != nil {
			b.Fatal(err)
		}
	}
	order := rand.New(rand.NewPCG(2, 2))
	queries := make([]identity.Fingerprint, 1<<20)
	for i := range queries {
		queries[i] = prints[order.IntN(len(prints))]
	}
	defer cpuTime(b)()
	for i := range b.N {
		if _, ok := d.Find(&queries[i%len(queries)]); !ok {
			b.Fatal("not found")
		}
	}
}
