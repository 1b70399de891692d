package counter

import (
	"bytes"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/axiomhq/hyperloglog"
)

// TestSketchIsTheLibrarys holds registers and estimates to those of the library, at every precision and in both forms.
func TestSketchIsTheLibrarys(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for p := uint8(4); p <= 16; p++ {
		for _, n := range []int{0, 1, 10, 500, 3000, 20_000} {
			ours := newSketch(p)
			library, err := hyperloglog.NewSketch(p, false)
			if err != nil {
				t.Fatal(err)
			}
			for i := range n {
				h := r.Uint64() >> (r.Uint64() % 64) // also hashes that begin with many zeros
				if i%4 > 0 {
					h = r.Uint64()
				}
				index, value := registerOf(h, p)
				before := make([]uint8, 1<<p)
				if i < 50 {
					ours.registers(before)
				}
				rose := ours.raise(index, value)
				if i < 50 && rose != (before[index] < value) {
					t.Fatalf("p %d: register %d from %d to %d: rose %v", p, index, before[index], value, rose)
				}
				library.InsertHash(h)
			}
			raw, err := library.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			got := make([]uint8, 1<<p)
			ours.registers(got)
			if !bytes.Equal(got, raw[8:]) {
				t.Errorf("p %d, %d elements: registers differ from the library's", p, n)
			}
			if got, want := Estimate(got), library.Estimate(); got != want {
				t.Errorf("p %d, %d elements: estimate %d, the library says %d", p, n, got, want)
			}
		}
	}
}

// TestEstimateIsTheLibrarys holds estimates of any registers, not only those that elements make, to the library's.
func TestEstimateIsTheLibrarys(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for p := 4; p <= 16; p++ {
		registers := make([]uint8, 1<<p)
		for _, highest := range []int{1, 3, 20, 53 - p, int(maxRegister(uint8(p)))} {
			clear(registers)
			for _, zeros := range []int{len(registers), len(registers) - 1, len(registers) - 7, len(registers) / 2, 3, 1, 0} {
				for i := zeros; i < len(registers); i++ {
					registers[i] = 1 + uint8(r.IntN(highest))
				}
				r.Shuffle(len(registers), func(i, j int) { registers[i], registers[j] = registers[j], registers[i] })
				if got, want := Estimate(registers), libraryEstimate(registers); got != want {
					t.Errorf("p %d, %d zeros, values to %d: estimate %d, the library says %d", p, zeros, highest, got, want)
				}
				slices.Sort(registers)
			}
		}
	}
	// Any number of zeros at the usual precision.
	registers := make([]uint8, 1<<14)
	for i := range registers {
		if i%61 == 0 {
			if got, want := Estimate(registers), libraryEstimate(registers); got != want {
				t.Errorf("%d zeros: estimate %d, the library says %d", len(registers)-i, got, want)
			}
		}
		registers[i] = uint8(1 + bits.TrailingZeros64(r.Uint64())%38)
	}
}

func BenchmarkEstimate(b *testing.B) {
	r := rand.New(rand.NewPCG(4, 4))
	for _, n := range []int{10, 1_000_000} {
		registers := make([]uint8, 1<<14)
		for range n {
			index, value := registerOf(r.Uint64(), 14)
			registers[index] = max(registers[index], value)
		}
		b.Run(fmt.Sprintf("of=%d", n), func(b *testing.B) {
			for b.Loop() {
				Estimate(registers)
			}
		})
		b.Run(fmt.Sprintf("library/of=%d", n), func(b *testing.B) {
			for b.Loop() {
				libraryEstimate(registers)
			}
		})
	}
}

func TestEstimateOfNothing(t *testing.T) {
	if got := Estimate(nil); got != 0 {
		t.Errorf("Estimate(nil) = %d", got)
	}
}

func TestValidRegisters(t *testing.T) {
	for name, tt := range map[string]struct {
		registers []uint8
		ok        bool
	}{
		"none":      {nil, false},
		"eight":     {make([]uint8, 8), false},
		"seventeen": {make([]uint8, 17), false},
		"sixteen":   {make([]uint8, 16), true},
		"highest":   {append(make([]uint8, 15), 61), true},
		"too high":  {append(make([]uint8, 15), 62), false},
		"too many":  {make([]uint8, 1<<17), false},
	} {
		if err := ValidRegisters(tt.registers); (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRegistersEightAtATime compares what reads eight registers at once with what reads one.
func TestRegistersEightAtATime(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 2000 {
		a, b, want := make([]uint8, 16), make([]uint8, 16), make([]uint8, 16)
		for i := range a {
			if r.IntN(3) > 0 {
				a[i] = uint8(r.IntN(62))
			}
			if r.IntN(3) > 0 {
				b[i] = uint8(r.IntN(62))
			}
			want[i] = max(a[i], b[i])
		}
		got := bytes.Clone(a)
		mergeRegisters(got, b)
		if !bytes.Equal(got, want) {
			t.Fatalf("%v and %v merge to %v, want %v", a, b, got, want)
		}
		at, value := r.IntN(16), uint8(r.IntN(256))
		a[at] = value
		if err := ValidRegisters(a); (err == nil) != (value <= 61) {
			t.Fatalf("%v: %v", a, err)
		}
	}
}
