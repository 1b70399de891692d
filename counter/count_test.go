package counter

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"
	"unsafe"

	"headcount/counter/dictionary"
	"headcount/events"
	"headcount/events/identity"
	"headcount/events/signed"
)

// TestCountStopsBeforeAnError lets the rulebook fail in the middle: what lies before is counted, what lies after is not, and the
// call can be repeated.
func TestCountStopsBeforeAnError(t *testing.T) {
	book := newTestBook(nil)
	l := newTestLog()
	for i := range 300 {
		l.open(i, "app", october, 1+i%31)
	}
	l.open(1, "app", november, 1)
	for i := range 200 {
		l.open(i, "app", october, 5)
	}
	away := errors.New("the store is away")
	book.fails[november] = away
	s := NewShard(testID, book, testKeys)
	for range 2 {
		n, sealed, err := s.Count(l.records[s.State().Records:])
		if !errors.Is(err, away) || sealed != nil {
			t.Fatalf("Count: %d, %v, %v", n, sealed, err)
		}
		if got := s.State().Records; got != 300 {
			t.Fatalf("%d records counted, want 300", got)
		}
	}
	delete(book.fails, november)
	if n, _, err := s.Count(l.records[300:]); n != 201 || err != nil {
		t.Fatalf("Count after the store is back: %d, %v", n, err)
	}
	want := newModel(book)
	for i := range l.records {
		want.count(t, &l.records[i])
	}
	compareShard(t, "repeated", s, want)
}

// TestCountWithoutKey wants the missing key to stop the shard before the first event of its month.
func TestCountWithoutKey(t *testing.T) {
	l := newTestLog()
	l.add(nil)
	l.open(1, "app", october, 1)
	s := NewShard(testID, newTestBook(nil), identity.NewKeyring(identity.NewGUIDKey([16]byte{9})))
	n, _, err := s.Count(l.records)
	if n != 1 || !errors.Is(err, identity.ErrUnknownKey) {
		t.Fatalf("Count: %d, %v", n, err)
	}
}

// TestCountIntoFullWindow wants a record that finds the window full to change nothing at all.
func TestCountIntoFullWindow(t *testing.T) {
	l := newTestLog()
	for i := range flatDevices {
		l.open(i, "app", october, 1)
	}
	s := NewShard(testID, newTestBook(nil), testKeys)
	countAll(t, s, l.records)
	w := s.open[october].windows["app"]
	setLen(&w.large.Dictionary, dictionary.MaxDevices)
	l.records = nil
	l.open(1, "app", october, 1)
	l.open(5_000_000, "app", october, 2)
	l.open(2, "app", october, 1)
	before := w.counters
	n, _, err := s.Count(l.records)
	if n != 1 || !errors.Is(err, dictionary.ErrFull) {
		t.Fatalf("Count: %d, %v", n, err)
	}
	before.Events++
	before.Duplicates++
	if w.counters != before || s.State().Records != flatDevices+1 {
		t.Errorf("counters %+v after %d records, want %+v", w.counters, s.State().Records, before)
	}
}

// TestLateAndExpired follows one device through the months around a seal.
func TestLateAndExpired(t *testing.T) {
	book := newTestBook(nil)
	l := newTestLog()
	l.open(1, "app", september, 3)
	l.open(1, "app", october, 3)
	l.seal(book, october, nil, nil) // opens the books: September is finished by it
	l.open(1, "app", september, 4)
	l.open(1, "app", october, 3)
	l.open(1, "app", october, 4)
	l.open(2, "app", november, 1)
	l.seal(book, november, &signed.PreviousClosing{Month: october, Partitions: []events.Partition{3}}, nil)
	s := NewShard(testID, book, testKeys)
	sealed := countAll(t, s, l.records)
	if len(sealed) != 2 {
		t.Fatalf("%d months sealed, want 2", len(sealed))
	}
	rows := func(r RowReader) string {
		out := ""
		for _, a := range readAll(t, r) {
			out += fmt.Sprintf("%s %+v %+v:", a.App, a.Counters, a.Stretch)
			for _, row := range a.Rows {
				out += fmt.Sprintf(" %#x", row.Days[events.Open])
			}
		}
		return out
	}
	for _, tt := range []struct{ name, got, want string }{
		{"October on time", rows(sealed[0].OnTime()), "app {Events:1 Duplicates:0 Skewed:0} {Expired:0 Rejected:0 OverLimit:0 BeforeBooks:0}: 0x8"},
		{"late with October", rows(sealed[0].Late()), ""},
		{"November on time", rows(sealed[1].OnTime()), "app {Events:1 Duplicates:0 Skewed:0} {Expired:1 Rejected:0 OverLimit:0 BeforeBooks:0}: 0x2"},
		{"late with November", rows(sealed[1].Late()), "app {Events:2 Duplicates:0 Skewed:0} {Expired:0 Rejected:0 OverLimit:0 BeforeBooks:0}: 0x18"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, tt.got, tt.want)
		}
	}
	if z := sealed[1]; z.SealID != "seal of 2026-11" || z.KeyID != testGUIDKey.ID() || z.Precision != 14 || z.RulesHash != book.months[november].Hash() || z.SealHash != s.State().SealHash {
		t.Errorf("sealed %+v", z)
	}
}

// TestBeyondTheBounds wants events of months before the books to be counted as such, and those of months too far off to be dead letters
// that hold nothing. Neither has a window, nor asks for rules.
func TestBeyondTheBounds(t *testing.T) {
	book := newTestBook(func(t *events.Template) { t.From, t.MonthsBack = october, 119 })
	l := newTestLog()
	l.open(1, "app", september, 3)
	l.open(1, "app", september-12, 3)
	l.open(1, "app", december-120, 3)                                         // of a record of December
	l.add([]byte(`{"type":"anything.at.all","time":"2026-09-30T23:59:59Z"}`)) // no app can be read
	l.now = time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC)
	l.open(1, "app", events.MonthOf(2089, 12), 3)
	s := NewShard(testID, book, testKeys)
	countAll(t, s, l.records)
	if book.asked != 0 || len(s.Months()) != 0 {
		t.Errorf("rules were asked for %d times, %v have windows", book.asked, s.Months())
	}
	dead := s.TakeDead()
	if len(dead) != 2 || dead[0] != (DeadLetter{Offset: 2, Reason: events.OverLimit, App: "app"}) || dead[1].Offset != 4 || dead[1].Reason != events.OverLimit {
		t.Errorf("dead letters %+v", dead)
	}
	st := s.State()
	if got, want := st.Apps["app"], (Stretch{Rejected: 2, BeforeBooks: 2}); got != want {
		t.Errorf("app has %+v, want %+v", got, want)
	}
	if want := (Stretch{BeforeBooks: 1}); st.Unattributed != want || st.TotalRejected != 2 {
		t.Errorf("no app: %+v, want %+v; %d rejected", st.Unattributed, want, st.TotalRejected)
	}
	l = newTestLog()
	l.open(1, "app", october, 3)
	l.seal(book, october, nil, nil)
	z := countAll(t, s, l.records)[0]
	if apps := readAll(t, z.OnTime()); len(apps) != 1 || apps[0].Stretch != (Stretch{Rejected: 2, BeforeBooks: 2}) || apps[0].Counters.Events != 1 || z.Unattributed.BeforeBooks != 1 {
		t.Errorf("sealed %+v, unattributed %+v", apps, z.Unattributed)
	}
}

// TestAttributionIsBounded wants a flood of app ids in records that are no events to fill nobody's memory.
func TestAttributionIsBounded(t *testing.T) {
	s := NewShard(testID, newTestBook(nil), testKeys)
	for i := range MaxAttributed {
		s.state.Apps[fmt.Sprint("flood-", i)] = Stretch{Rejected: 1}
	}
	l := newTestLog()
	for _, app := range []string{"flood-7", "one-more"} {
		l.add(fmt.Appendf(nil, `{"type":"miniprogram.open","superapp":%q,"time":"today"}`, app))
	}
	countAll(t, s, l.records)
	st := s.State()
	if len(st.Apps) != MaxAttributed || st.Apps["flood-7"].Rejected != 2 || st.Unattributed.Rejected != 1 {
		t.Errorf("%d apps, flood-7 %+v, unattributed %+v", len(st.Apps), st.Apps["flood-7"], st.Unattributed)
	}
	if dead := s.TakeDead(); len(dead) != 2 || dead[1].App != "one-more" || dead[1].Offset != 1 {
		t.Errorf("dead letters %+v", dead)
	}
	if dead := s.TakeDead(); len(dead) != 0 {
		t.Errorf("dead letters again: %+v", dead)
	}
}

// setLen has a dictionary believe that it has n devices: so many take 80 GB.
func setLen(d *dictionary.Dictionary, n uint32) {
	field := reflect.ValueOf(d).Elem().FieldByName("n")
	*(*uint32)(unsafe.Pointer(field.UnsafeAddr())) = n
}
