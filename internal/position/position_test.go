package position

import (
	"encoding/json"
	"fmt"
	"testing"
)

func TestPartition(t *testing.T) {
	for _, p := range []Partition{0, 7, 10, 1<<31 - 1} {
		if got, err := ParsePartition(p.String()); got != p || err != nil {
			t.Errorf("ParsePartition(%q) = %d, %v", p.String(), got, err)
		}
		want := fmt.Sprint(int32(p))
		if b, err := json.Marshal(map[Partition]Partition{p: p}); err != nil || string(b) != `{"`+want+`":`+want+`}` {
			t.Errorf("in JSON: %s, %v", b, err)
		}
		if got := fmt.Sprint(p); got != want {
			t.Errorf("printed: %s, want %s", got, want)
		}
	}
	for _, bad := range []string{"", "-1", "-0", "+1", "01", " 1", "1 ", "0x1", "1e3", "2147483648"} {
		if p, err := ParsePartition(bad); err == nil {
			t.Errorf("ParsePartition(%q) = %d", bad, p)
		}
	}
}
