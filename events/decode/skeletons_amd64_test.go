//go:build !purego

package decode

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"headcount/endtoend/guard"
	"headcount/events"
)

// TestIndexQuotes looks for quotes in records of every length, at the end of their memory and at its beginning, and holds the places
// against a loop over the bytes.
func TestIndexQuotes(t *testing.T) {
	if !vectors {
		t.Skip("this machine has no vectors of 64 bytes")
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for n := 1; n <= maxSkeleton; n++ {
		for _, often := range []int{2, 8, 40} {
			b := bytes.Repeat([]byte("x"), n)
			for i := range b {
				if r.IntN(often) == 0 {
					b[i] = '"'
				}
			}
			if r.IntN(4) == 0 {
				b[r.IntN(n)] = []byte{'\\', 0, 0x1f, 0x20, 0x7f, 0x80, 0xff}[r.IntN(7)]
			}
			var want []uint16
			odd := false
			for i, c := range b {
				odd = odd || c < 0x20 || c >= 0x80 || c == '\\'
				if c == '"' {
					want = append(want, uint16(i))
				}
			}
			for _, at := range [][]byte{guard.Copy(b), append(bytes.Clone(b), bytes.Repeat([]byte{'"', '\\'}, 64)...)} {
				var p places
				p.n = indexQuotes(&at[0], n, &p.at)
				switch {
				case p.n == noPlaces:
					if dense := often == 2 || len(want) > maxQuotes; !odd && !dense {
						t.Fatalf("%q has no places", b)
					}
				case odd || len(want) > maxQuotes || p.n != len(want) || !slices.Equal(p.at[:p.n], want):
					t.Fatalf("%q: places %d, want %d", b, p.at[:p.n], want)
				}
			}
		}
	}
}

// TestWithoutVectors decodes a log on a machine that has no vectors.
func TestWithoutVectors(t *testing.T) {
	if !vectors {
		t.Skip("all tests are without")
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	recs := make([]events.Record, 5000)
	for i := range recs {
		b := []byte(testEvent)
		switch r.IntN(10) {
		case 0:
			b = []byte(randomObject(r, 3))
		case 1:
			b[r.IntN(len(b))] = byte(r.Uint32())
		case 2:
			b = bytes.Replace(b, []byte("app-001"), []byte("app-\u00e9"), 1)
		}
		recs[i] = *record(t, string(b))
	}
	with, without := make([]events.Event, len(recs)), make([]events.Event, len(recs))
	for _, to := range [][]events.Event{with, without} {
		d, _ := newTestDecoder(t, nil)
		for n := 0; n < len(recs); {
			done, err := d.DecodeBatch(recs[n:], to[n:])
			if err != nil {
				t.Fatal(err)
			}
			n += done
		}
		vectors = !vectors
	}
	for i := range recs {
		w, o := &with[i], &without[i]
		if verdict(*w) != verdict(*o) || w.ID != o.ID || !bytes.Equal(w.GUID, o.GUID) {
			t.Fatalf("%q\nwith vectors %s, without %s", recs[i].Value, verdict(*w), verdict(*o))
		}
	}
}
