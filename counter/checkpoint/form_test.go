package checkpoint

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"headcount/events"
)

// values are one of each sort that documents hold.
type values struct {
	Name   string         `json:"name"`
	Int    int            `json:"int"`
	Epoch  int32          `json:"epoch"`
	Offset int64          `json:"offset"`
	CRC    uint32         `json:"crc"`
	Events uint64         `json:"events"`
	At     time.Time      `json:"at"`
	Months []events.Month `json:"months"`
}

func (v *values) describe(f *form) {
	f.string(`{"name":`, &v.Name)
	number(f, `,"int":`, &v.Int)
	number(f, `,"epoch":`, &v.Epoch)
	number(f, `,"offset":`, &v.Offset)
	number(f, `,"crc":`, &v.CRC)
	number(f, `,"events":`, &v.Events)
	f.text(`,"at":`, &v.At)
	list(f, `,"months":`, &v.Months, func(m *events.Month, f *form) { f.text("", m) })
	f.literal("}")
}

// A content is written as encoding/json writes it, and read back; what has one byte more, less or changed is another content or none.
func TestForm(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	alphabet := []rune("aZ09 ~\"\\/<>&\x00\x1f\x7f\n\u2028\u2029é\ufffd😀")
	name := func() string {
		var s strings.Builder
		for range r.IntN(6) {
			s.WriteRune(alphabet[r.IntN(len(alphabet))])
		}
		return s.String()
	}
	edge := func() int64 {
		return []int64{0, 1, -1, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64, r.Int64(), -r.Int64N(1000), r.Int64N(1000)}[r.IntN(10)]
	}
	for range 3000 {
		v := values{
			name(), int(edge()), int32(edge()), edge(), uint32(edge()), uint64(edge()), time.UnixMilli(r.Int64N(1 << 42)).UTC(), []events.Month{},
		}
		for range r.IntN(3) {
			v.Months = append(v.Months, events.Month(r.IntN(maxMonth+1)))
		}
		w := form{}
		v.describe(&w)
		want, err := json.Marshal(&v)
		if err != nil || w.err != nil || !bytes.Equal(w.b, want) {
			t.Fatalf("%+v is %s, want %s: %v, %v", v, w.b, want, err, w.err)
		}
		if again, ok := reread(t, want); !ok || !bytes.Equal(again, want) {
			t.Fatalf("%s is read as %s", want, again)
		}
		at := r.IntN(len(want))
		for _, other := range [][]byte{
			append(want[:at:at], want[at+1:]...),
			append(append(want[:at:at], byte(r.IntN(256))), want[at:]...),
			append(append(want[:at:at], byte(r.IntN(256))), want[at+1:]...),
			append(append(want[:at:at], "0-\" ,]0"[r.IntN(7)]), want[at:]...),
			want[:at],
		} {
			if again, ok := reread(t, other); ok && !bytes.Equal(again, other) {
				t.Fatalf("%s is read as %s", other, again)
			}
		}
	}
}

// reread reads a content and returns what it is written as; false: it is refused.
func reread(t *testing.T, b []byte) ([]byte, bool) {
	t.Helper()
	var v values
	f := form{b: b, reading: true}
	v.describe(&f)
	if f.err != nil || len(f.b) > 0 {
		return nil, false
	}
	again, err := json.Marshal(&v)
	if err != nil {
		t.Fatal(err)
	}
	return again, true
}
