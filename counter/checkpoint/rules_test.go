package checkpoint

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"headcount/counter"
	"headcount/events"
	"headcount/events/identity"
	"headcount/internal/durable/durabletest"
)

func openTopic(t testing.TB, d disk) *Topic {
	t.Helper()
	b, err := openOn(d, "state")
	if err != nil {
		t.Fatal(err)
	}
	return OpenTopic(b, "sdk-events", shardID.TopicID)
}

var october = events.MonthOf(2026, 10)

func TestRulesAreMadeOnce(t *testing.T) {
	disk := inMemory(durabletest.NewMemory())
	topic := openTopic(t, disk)
	if _, err := topic.Rules(t.Context(), nil); !errors.Is(err, ErrNoRules) {
		t.Fatalf("no rules, read only: %v", err)
	}
	r, err := topic.Rules(t.Context(), template())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Known(october); !errors.Is(err, ErrNoRules) {
		t.Errorf("rules of a month that has none: %v", err)
	}
	first, err := r.MonthRules(october)
	if err != nil {
		t.Fatal(err)
	}
	if known, err := r.Known(october); err != nil || known != first {
		t.Errorf("known: %v, %v", known, err)
	}
	// Another configuration holds from the next month on.
	later := template()
	later.Precision = 12
	later.KeyID = "key-2"
	r, err = openTopic(t, disk).Rules(t.Context(), later)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := r.MonthRules(october); err != nil || again.Hash() != first.Hash() {
		t.Errorf("rules of an old month have changed: %v, %v", again, err)
	}
	if next, err := r.MonthRules(october + 1); err != nil || next.Precision != 12 || next.KeyID != "key-2" {
		t.Errorf("rules of a new month: %+v, %v", next, err)
	}
	if months, err := r.Months(t.Context()); err != nil || !slices.Equal(months, []events.Month{october, october + 1}) {
		t.Errorf("months with rules: %v, %v", months, err)
	}
	// The topic's never change.
	other := template()
	other.TimeZone = "Asia/Shanghai"
	var differ *RulesDifferError
	if _, err := openTopic(t, disk).Rules(t.Context(), other); !errors.As(err, &differ) ||
		!strings.Contains(err.Error(), "topic.json") || !strings.Contains(err.Error(), "Asia/Shanghai") {
		t.Errorf("another time zone: %v", err)
	}
}

// Of many who make rules at once, from different configurations, all come to the same.
func TestRulesRace(t *testing.T) {
	folder := t.TempDir()
	for round := range 10 {
		var wg sync.WaitGroup
		got := make([]string, 6)
		for i := range got {
			b, err := OpenDirectory(folder)
			if err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				mine := template()
				mine.Precision = 4 + i
				r, err := OpenTopic(b, fmt.Sprint("t", round), "id").Rules(t.Context(), mine)
				if err != nil {
					t.Error(err)
					return
				}
				rules, err := r.MonthRules(october)
				if err != nil {
					t.Error(err)
					return
				}
				got[i] = r.TopicRules().Hash() + rules.Hash()
			})
		}
		wg.Wait()
		if len(slices.Compact(got)) != 1 {
			t.Fatalf("round %d: rules differ: %v", round, got)
		}
	}
}

// Rules that were returned once are returned after a crash.
func TestRulesCrash(t *testing.T) {
	for k := 0; ; k++ {
		disk := inMemory(durabletest.NewMemory())
		fired := disk.CrashAt(k)
		use := func(d memDisk, precision int) (string, error) {
			mine := template()
			mine.Precision = precision
			b, err := openOn(d, "state")
			if err != nil {
				return "", err
			}
			r, err := OpenTopic(b, "t", "id").Rules(t.Context(), mine)
			if err != nil {
				return "", err
			}
			rules, err := r.MonthRules(october)
			if err != nil {
				return "", err
			}
			return rules.Hash(), nil
		}
		first, err := use(disk, 10)
		for lost, memory := range disk.Losses(1, k) {
			where := fmt.Sprintf("crash at operation %d, %s of what was not synced lost", k, lost)
			after := inMemory(memory)
			second, err2 := use(after, 11)
			if err2 != nil {
				t.Fatalf("%s: %v", where, err2)
			}
			if err == nil && first != second {
				t.Fatalf("%s: rules that were returned are gone", where)
			}
			if third, err := use(inMemory(after.Lose(nil)), 12); err != nil || third != second {
				t.Fatalf("%s: rules that were found are gone", where)
			}
		}
		if !*fired {
			break
		}
	}
}

// A checkpoint whose rules are not those on disk stops the shard: counting again would bill by other rules.
func TestLoadUnderOtherRules(t *testing.T) {
	disk := sealedState()
	s := newScript(1)
	p, _, _ := begin(t, disk)
	for len(s.truth.Windows) == 0 {
		if _, err := p.Save(t.Context(), s.next(t)); err != nil {
			t.Fatal(err)
		}
	}
	month := p.current.Rules[0].Month
	file := "state/" + p.topic.rulesFolder() + rulesName(month, 1)
	whole := content(t, p.bucket, strings.TrimPrefix(file, "state/"))
	for name, change := range map[string]func([]byte) []byte{
		"another limit": func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"record_bytes":1048576`), []byte(`"record_bytes":1048577`), 1)
		},
		"not canonical": func(b []byte) []byte { return append(b, '\n') },
		"cut":           func(b []byte) []byte { return b[:20] },
	} {
		disk.corrupt(t, file, change)
		_, _, err := load(t.Context(), open(t, disk), newModel)
		if err == nil || errors.Is(err, ErrNone) || !strings.Contains(err.Error(), rulesName(month, 1)) {
			t.Errorf("%s: %v", name, err)
		}
		disk.corrupt(t, file, func([]byte) []byte { return []byte(whole) })
	}
	if err := p.bucket.Delete(t.Context(), strings.TrimPrefix(file, "state/")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := load(t.Context(), open(t, disk), newModel); !errors.Is(err, ErrNoRules) || errors.Is(err, ErrNone) {
		t.Errorf("gone: %v", err)
	}
}

// A recount makes checkpoints of before of no use, also where no rule changes, and leaves sealed months alone.
func TestRecount(t *testing.T) {
	disk := newState()
	s := newScript(1)
	p, _, _ := begin(t, disk)
	for len(s.truth.Windows) == 0 {
		if _, err := p.Save(t.Context(), s.next(t)); err != nil {
			t.Fatal(err)
		}
	}
	month := p.current.Rules[0].Month
	before := p.current.Generation
	if _, err := p.topic.Recount(t.Context(), month+12*5, template()); !errors.Is(err, ErrNoRules) {
		t.Errorf("a month that was never counted: %v", err)
	}
	mine := template()
	mine.Precision = 15
	for revision, with := range []*events.Template{template(), mine} {
		rules, err := p.topic.Recount(t.Context(), month, with)
		if err != nil {
			t.Fatal(err)
		}
		fresh := open(t, disk)
		_, loaded, err := load(t.Context(), fresh, newModel)
		if !errors.Is(err, ErrNone) || len(loaded.Skipped) > 0 || len(loaded.Superseded) == 0 ||
			!strings.Contains(loaded.Superseded[0], "recount") || strings.Contains(loaded.Superseded[0], "damage") {
			t.Fatalf("after a recount: %v, %+v", err, loaded)
		}
		book, err := fresh.topic.Rules(t.Context(), template())
		if err != nil {
			t.Fatal(err)
		}
		if now, err := book.Known(month); err != nil || now.Hash() != rules.Hash() || now.Precision != with.Precision {
			t.Errorf("recount %d: rules in force: %+v, %v", revision, now, err)
		}
		d := &counter.Delta{Partition: shardID.Partition, Windows: []counter.WindowDelta{{WindowID: counter.WindowID{Month: month, App: "a"}, Fingerprints: make([]identity.Fingerprint, 1)}}}
		saved, err := fresh.Save(t.Context(), d)
		if err != nil || saved.Generation <= before {
			t.Fatalf("after a recount: %+v, %v", saved, err)
		}
		before = saved.Generation
		if _, again, err := load(t.Context(), open(t, disk), newModel); err != nil || again.Generation != before {
			t.Fatalf("after a recount: %+v, %v", again, err)
		}
	}
	z := randomSealed(1, 1, 1, 4)
	z.Month = month
	if _, err := p.Seal(t.Context(), z); err != nil {
		t.Fatal(err)
	}
	for _, m := range []events.Month{month - 1, month} {
		if _, err := p.topic.Recount(t.Context(), m, template()); err == nil || !strings.Contains(err.Error(), "sealed") {
			t.Errorf("recount of %s, %s is sealed: %v", m, month, err)
		}
	}
	if _, err := p.topic.Recount(t.Context(), month+1, template()); err != nil {
		t.Errorf("recount of the month after a sealed one: %v", err)
	}
}

func TestSiblings(t *testing.T) {
	disk := inMemory(durabletest.NewMemory())
	b, err := openOn(disk, "state")
	if err != nil {
		t.Fatal(err)
	}
	mine := OpenTopic(b, "a.topic", "id-1")
	for name, what := range map[string]struct {
		months []events.Month
		sealed map[events.Partition]events.Month
	}{
		"id-1":  {[]events.Month{october}, nil},
		"id/2":  {[]events.Month{october, october + 1}, map[events.Partition]events.Month{0: october, 1: october + 1}},
		"id-3":  {[]events.Month{october}, map[events.Partition]events.Month{0: october}},
		"id-4 ": {[]events.Month{october}, nil},
	} {
		topic := OpenTopic(b, "a.topic", name)
		r, err := topic.Rules(t.Context(), template())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range what.months {
			if _, err := r.MonthRules(m); err != nil {
				t.Fatal(err)
			}
		}
		for partition, m := range what.sealed {
			z := randomSealed(1, 1, 1, 4)
			z.Month, z.Partition = m, partition
			if _, err := topic.Partition(counter.Identity{Partition: partition, TopicID: name}).Seal(t.Context(), z); err != nil {
				t.Fatal(err)
			}
		}
	}
	other := OpenTopic(b, "a.topic2", "id-9")
	if _, err := other.Rules(t.Context(), template()); err != nil {
		t.Fatal(err)
	}
	got, err := mine.Siblings(t.Context())
	want := []Sibling{{"id-3", []events.Month{}}, {"id-4 ", []events.Month{october}}, {"id/2", []events.Month{october + 1}}}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("siblings %v, %v, want %v", got, err, want)
	}
	if begun, err := Begun(t.Context(), b, "a.topic"); err != nil || fmt.Sprint(begun) != fmt.Sprint([]events.Month{october, october + 1}) {
		t.Errorf("begun %v, %v", begun, err)
	}
	if begun, err := Begun(t.Context(), b, "a"); err != nil || begun != nil {
		t.Errorf("of a topic that is not there %v, %v are begun", begun, err)
	}
	if ps, err := OpenTopic(b, "a.topic", "id/2").Partitions(t.Context()); err != nil || !slices.Equal(ps, []events.Partition{0, 1}) {
		t.Errorf("partitions %v, %v", ps, err)
	}
	if ps, err := mine.Partitions(t.Context()); err != nil || len(ps) != 0 {
		t.Errorf("partitions %v, %v, want none", ps, err)
	}
}

// TestOldState: the rules of a state that an older release has counted are refused by name, and stay as they are.
func TestOldState(t *testing.T) {
	disk := inMemory(durabletest.NewMemory())
	topic := openTopic(t, disk)
	old, err := os.ReadFile("../../events/testdata/golden/topic-1.json")
	if err != nil {
		t.Fatal(err)
	}
	file := topic.rulesFolder() + "topic.json"
	if err := createBytes(t.Context(), topic.bucket, file, old); err != nil {
		t.Fatal(err)
	}
	for _, tmpl := range []*events.Template{nil, template()} {
		if _, err := topic.Rules(t.Context(), tmpl); !errors.Is(err, events.ErrVersion) || !strings.Contains(err.Error(), file) {
			t.Errorf("%v", err)
		}
	}
	if is, err := readAll(t.Context(), topic.bucket, file, maxRules); err != nil || !bytes.Equal(is, old) {
		t.Errorf("%s, %v", is, err)
	}
}

// Sound files of a newer version are no damage: nothing is counted again, nothing removed.
func TestNewerVersions(t *testing.T) {
	disk := sealedState()
	s := newScript(3)
	p, _, _ := begin(t, disk)
	for len(s.truth.Windows) == 0 {
		if _, err := p.Save(t.Context(), s.next(t)); err != nil {
			t.Fatal(err)
		}
	}
	file := "state/" + p.folder + manifestName(p.current.Generation)
	newer, err := encodeDocument(manifestKind, heldVersion+1, noContent{})
	if err != nil {
		t.Fatal(err)
	}
	disk.corrupt(t, file, func([]byte) []byte { return newer })
	_, _, err = load(t.Context(), open(t, disk), newModel)
	if !errors.Is(err, ErrVersion) || errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), manifestName(p.current.Generation)) {
		t.Errorf("newer manifest: %v", err)
	}
	var buf bytes.Buffer
	if _, err := newBlockWriter(&buf, segmentMagic, segmentVersion+1); err != nil {
		t.Fatal(err)
	}
	if _, err := openSegment("s", openMem{bytes.NewReader(buf.Bytes())}, io.Discard); !errors.Is(err, ErrVersion) || errors.Is(err, ErrDamaged) {
		t.Errorf("newer segment: %v", err)
	}
	if _, err := openSealed("s", openMem{bytes.NewReader(buf.Bytes())}, 4); !errors.Is(err, ErrDamaged) {
		t.Errorf("a segment as sealed data: %v", err)
	}
}

// Another revision of the topic's rules begins every month anew, and only as long as nothing is sealed.
func TestRecountAll(t *testing.T) {
	disk := inMemory(durabletest.NewMemory())
	if _, err := openTopic(t, disk).RecountAll(t.Context(), template()); !errors.Is(err, ErrNoRules) {
		t.Fatalf("a topic without rules: %v", err)
	}
	r, err := openTopic(t, disk).Rules(t.Context(), template())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []events.Month{october - 1, october} {
		if _, err := r.MonthRules(m); err != nil {
			t.Fatal(err)
		}
	}
	opened := template()
	opened.From, opened.MonthsBack = october, 119
	var differ *RulesDifferError
	if _, err := openTopic(t, disk).Rules(t.Context(), opened); !errors.As(err, &differ) || !differ.Bounds || len(differ.Fields) != 2 {
		t.Errorf("before it: %v", err)
	}
	fixed, err := openTopic(t, disk).RecountAll(t.Context(), opened)
	if err != nil || fixed.From != october || fixed.FromMS == 0 {
		t.Fatalf("%+v, %v", fixed, err)
	}
	if _, err := openTopic(t, disk).Rules(t.Context(), template()); !errors.As(err, &differ) || !strings.HasSuffix(differ.File, "/topic.2.json") {
		t.Errorf("the former configuration: %v", err)
	}
	if r, err = openTopic(t, disk).Rules(t.Context(), opened); err != nil {
		t.Fatal(err)
	}
	if months, err := r.Months(t.Context()); err != nil || len(months) != 0 {
		t.Errorf("months with rules: %v, %v", months, err)
	}
	if _, err := r.Known(october); !errors.Is(err, ErrNoRules) {
		t.Errorf("October still has the former rules: %v", err)
	}
	again, err := r.MonthRules(october)
	if err != nil || again.TopicHash != fixed.Hash() {
		t.Errorf("%+v, %v", again, err)
	}
	if months, err := r.Months(t.Context()); err != nil || !slices.Equal(months, []events.Month{october}) {
		t.Errorf("months with rules: %v, %v", months, err)
	}
	// A month is counted again under them as ever.
	if rules, err := openTopic(t, disk).Recount(t.Context(), october, opened); err != nil || rules.TopicHash != fixed.Hash() {
		t.Errorf("%+v, %v", rules, err)
	}
	if _, err := openTopic(t, disk).Recount(t.Context(), october-1, opened); !errors.Is(err, ErrNoRules) {
		t.Errorf("a month that has none now: %v", err)
	}
	// Back to the former: all begins anew again.
	if _, err := openTopic(t, disk).RecountAll(t.Context(), template()); err != nil {
		t.Fatal(err)
	}
	if r, err = openTopic(t, disk).Rules(t.Context(), template()); err != nil {
		t.Fatal(err)
	}
	if rules, err := r.MonthRules(october); err != nil || rules.TopicHash != template().Topic().Hash() {
		t.Errorf("%+v, %v", rules, err)
	}
	other := template()
	other.TimeZone, other.From = "Asia/Shanghai", october
	if _, err := openTopic(t, disk).RecountAll(t.Context(), other); !errors.As(err, &differ) || differ.Bounds {
		t.Errorf("another zone: %v", err)
	}
}
