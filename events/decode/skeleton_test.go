package decode

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"headcount/endtoend/guard"
)

// sameSkeleton teaches a skeleton and reads b by it, plainly and with vectors: both must say the same, and what they take must be
// what the scanner reads.
func sameSkeleton(tb testing.TB, teacher, b []byte) (taken bool) {
	tb.Helper()
	var h head
	if len(b) == 0 || len(b) > maxSkeleton || !scan(teacher, &h) {
		return false
	}
	t, ok := learn(teacher)
	if !ok {
		return false
	}
	var fast, plain skeletons
	at := int(t.quotes / 2 % (skeletonSlots / skeletonWays))
	if teacher[len(teacher)/2]&1 == 1 {
		at += skeletonSlots / skeletonWays // the older one
		other := *t
		other.text[0][0] ^= 1 // no quote: their number stays
		fast.known[at-skeletonSlots/skeletonWays], plain.known[at-skeletonSlots/skeletonWays] = &other, &other
	}
	fast.known[at], plain.known[at] = t, t
	b = guard.Copy(b)
	sameLayout(tb, t, teacher, b)
	var byVector, byCode places
	fast.ahead(b, &byVector)
	f, p := fast.find(b, &byVector), plain.findPlain(b, &byCode)
	if f != p {
		tb.Fatalf("taught by %q\n%q\nvectors say %d, plain code %d", teacher, b, f, p)
	}
	if p != at { // none, or the other's
		return false
	}
	var byVectors, byPlain, want head
	t.head(b, &byVector.at, &byVectors)
	t.head(b, &byCode.at, &byPlain)
	if !scan(b, &want) {
		tb.Fatalf("taught by %q\n%q\nis taken, the scanner takes it not", teacher, b)
	}
	for i, w := range [][]byte{want.kind, want.guid, want.app, want.time} {
		v, p := [][]byte{byVectors.kind, byVectors.guid, byVectors.app, byVectors.time}[i], [][]byte{byPlain.kind, byPlain.guid, byPlain.app, byPlain.time}[i]
		if !bytes.Equal(v, w) || !bytes.Equal(p, w) || (w == nil) != (v == nil) || (w == nil) != (p == nil) {
			tb.Fatalf("taught by %q\n%q\nhead %d: vectors have %q, plain code %q, the scanner %q", teacher, b, i, v, p, w)
		}
	}
	return true
}

// sameLayout teaches a layout and looks for b's: it must be found where b has its length, its fixed bytes and nothing but plain bytes
// between them, and what it cuts out must be what the scanner reads.
func sameLayout(tb testing.TB, t *skeleton, teacher, b []byte) {
	tb.Helper()
	if !vectors {
		return
	}
	var s skeletons
	var p places
	var h, got, want head
	s.known[t.quotes/2%(skeletonSlots/skeletonWays)] = t
	s.layouts.credit = layoutCost
	s.ahead(teacher, &p)
	if !s.scan(teacher, &p, &h) || p.set == noLayouts {
		tb.Fatalf("%q does not make a layout", teacher)
	}
	known, tags := s.layouts.known[p.set:], s.layouts.tags[p.set:]
	l := known[0]
	if way := int(teacher[len(teacher)/2]) % layoutWays; way > 0 { // as if others had come since
		known[0], known[way], tags[0], tags[way] = nil, l, 0, tags[0]
	}
	s.ahead(b, &p)
	is := len(b) == l.n
	for i := 0; is && i < len(b); i++ {
		plain := b[i] >= 0x20 && b[i] < 0x80 && b[i] != '"' && b[i] != '\\'
		if l.fixed[i/64]>>(i%64)&1 == 1 {
			is = b[i] == teacher[i]
		} else {
			is = plain
		}
	}
	if is != (p.layout != nil) {
		tb.Fatalf("taught by %q\n%q\nof its layout: %t, found: %t", teacher, b, is, !is)
	}
	if !is {
		return
	}
	if !s.scan(b, &p, &got) || !scan(b, &want) {
		tb.Fatalf("taught by %q\n%q\nis of its layout, the scanner takes it not", teacher, b)
	}
	for i, w := range [][]byte{want.kind, want.guid, want.app, want.time} {
		if g := [][]byte{got.kind, got.guid, got.app, got.time}[i]; !bytes.Equal(g, w) || (g == nil) != (w == nil) {
			tb.Fatalf("taught by %q\n%q\nhead %d: the layout has %q, the scanner %q", teacher, b, i, g, w)
		}
	}
}

// FuzzSkeleton reads any bytes by the skeleton of any others.
func FuzzSkeleton(f *testing.F) {
	for _, s := range append(structuredSeeds(), testEvent) {
		f.Add([]byte(s), []byte(s))
		f.Add([]byte(testEvent), []byte(s))
	}
	f.Fuzz(func(t *testing.T, teacher, b []byte) { sameSkeleton(t, teacher, b) })
}

// TestSkeletons reads records that differ from their teacher in a string or in a byte anywhere.
func TestSkeletons(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	values := []string{"", "x", "miniprogram.predownload", strings.Repeat("long ", 30), `"`, `\n`, "é", "\x7f", "\x1f", "\x80", `","type":"`, " "}
	taken := 0
	for range 50_000 {
		teacher := testEvent
		switch r.IntN(4) {
		case 0:
			teacher = randomObject(r, 3)
		case 1:
			teacher = strings.Replace(testEvent, `"mp-42"}`, `"mp-42", "data": {"a" : [1, true, "b", {"type": "c"}]} }  `, 1)
		}
		b := []byte(teacher)
		for range r.IntN(3) {
			if i := bytes.IndexByte(b[r.IntN(len(b)):], '"'); i > 0 && r.IntN(2) == 0 {
				b = []byte(strings.Replace(string(b), []string{"miniprogram.open", "sdk/android/2.4.1", "mp-42", testGUID}[r.IntN(4)], values[r.IntN(len(values))], 1))
			} else {
				b[r.IntN(len(b))] = byte(r.IntN(256))
			}
			if r.IntN(8) == 0 {
				b[r.IntN(len(b))] = '"'
			}
		}
		if r.IntN(10) == 0 {
			b = b[:r.IntN(len(b)+1)]
		}
		if sameSkeleton(t, []byte(teacher), b) {
			taken++
		}
	}
	if taken < 10_000 {
		t.Errorf("only %d records were taken", taken)
	}
}

// TestSkeletonsAreLearned counts how many records of a log with two kinds of writers are read by skeletons: nearly all.
func TestSkeletonsAreLearned(t *testing.T) {
	var s skeletons
	var p places
	s.credit, s.layouts.credit = mostCredit, mostCredit
	other := strings.Replace(testEvent, `"specversion":"1.0",`, `"ver":"1.0","specversion":"1.0",`, 1)
	third := `{"type":"miniprogram.open","specversion":"1.0"` + testEvent[len(`{"specversion":"1.0","type":"miniprogram.open"`):]
	for i := range 1000 {
		b := []byte([]string{testEvent, other, third}[i%3])
		s.ahead(b, &p)
		if i >= 3 && p.layout == nil && s.find(b, &p) < 0 {
			t.Fatalf("record %d is of no known skeleton", i)
		}
		if i >= 6 && vectors && p.layout == nil {
			t.Fatalf("record %d is of no known layout", i)
		}
		var h head
		if !s.scan(b, &p, &h) || string(h.kind) != "miniprogram.open" || string(h.guid) != testGUID {
			t.Fatalf("record %d: %q %q", i, h.kind, h.guid)
		}
	}
	before := s.credit
	for i := range 1000 { // no two alike
		var h head
		b := []byte(strings.Replace(testEvent, "specversion", "spec"+strings.Repeat("x", i%50), 1))
		if s.ahead(b, &p); !s.scan(b, &p, &h) {
			t.Fatal("not scanned")
		}
	}
	if s.credit >= before || s.credit < 0 {
		t.Errorf("credit %d after records of which no two are alike, %d before", s.credit, before)
	}
}
