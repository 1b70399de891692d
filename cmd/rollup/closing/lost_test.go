package closing

import (
	"strings"
	"testing"

	"headcount/counter"
)

func TestMayConcern(t *testing.T) {
	for _, c := range []struct {
		from, to, after, seal int64
		want                  bool
	}{
		{10, 20, -1, 30, true},
		{10, 20, 19, 30, true},
		{10, 20, 20, 30, false}, // before the seal of the month before the last
		{31, 40, -1, 30, false}, // after the month's seal
		{30, 40, -1, 30, true},  // cut off at 30, where the seal came to lie
		{-1, 0, -1, 5, true},    // a former topic
	} {
		if got := mayConcern(counter.Gap{From: c.from, To: c.to}, c.after, c.seal); got != c.want {
			t.Errorf("gap %d to %d, seals at %d and %d: %v, want %v", c.from, c.to, c.after, c.seal, got, c.want)
		}
	}
}

func TestSome(t *testing.T) {
	all := strings.Fields("a b c d e f g h i j")
	for n, want := range map[int]string{0: "", 1: "a", 8: "a; b; c; d; e; f; g; h", 10: "a; b; c; d; e; f; g; h … and 2 more"} {
		if got := some(all[:n]); got != want {
			t.Errorf("some of %d: %q, want %q", n, got, want)
		}
	}
}
