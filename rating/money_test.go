package rating_test

import (
	"testing"

	"headcount/rating"
)

func TestSumAndLess(t *testing.T) {
	for _, c := range []struct{ a, b, sum, less string }{
		{"1.50", "0.25", "1.75", "1.25"},
		{"0.00", "2.500", "2.500", "-2.500"}, // the longer of their decimals
		{"-3", "4", "1", "-7"},
		{"0.1", "0.2", "0.3", "-0.1"},
		{"999999999999999999.99", "0.01", "1000000000000000000.00", "999999999999999999.98"},
	} {
		sum, err := rating.Sum(c.a, c.b)
		if err != nil || sum != c.sum {
			t.Errorf("%s and %s: %s, %v, want %s", c.a, c.b, sum, err, c.sum)
		}
		less, err := rating.Less(c.a, c.b)
		if err != nil || less != c.less {
			t.Errorf("%s less %s: %s, %v, want %s", c.a, c.b, less, err, c.less)
		}
	}
	for _, bad := range [][2]string{{"", "1"}, {"1", "one"}} {
		if got, err := rating.Sum(bad[0], bad[1]); err == nil {
			t.Errorf("sum of %q and %q: %s", bad[0], bad[1], got)
		}
	}
}
