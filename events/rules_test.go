package events

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"headcount/events/identity"
)

var writeGolden = flag.Bool("golden", false, "write the golden files that are missing; those that are there stay for ever")

// golden compares with the file kept for a version of a format. Its hash is in every manifest, seal and index: it never changes.
func golden(t *testing.T, name string, got []byte, hash string) {
	t.Helper()
	name = "testdata/golden/" + name
	want, err := os.ReadFile(name)
	if os.IsNotExist(err) && *writeGolden {
		want, err = got, os.WriteFile(name, got, 0o644)
	}
	if err != nil {
		t.Fatalf("%v (a new version's file is made with -golden)", err)
	}
	if string(got) != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
	if want := fmt.Sprintf("sha256:%x", sha256.Sum256(want)); hash != want {
		t.Errorf("%s: its hash is %s, want %s", name, hash, want)
	}
}

// plainTemplate is a configuration without anything special.
func plainTemplate() *Template {
	return &Template{
		TimeZone: "UTC", Precision: 14, Limits: DefaultLimits, KeyID: identity.NewGUIDKey([16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}).ID(),
		SealKey: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize)).Public().(ed25519.PublicKey),
	}
}

func TestGoldenRules(t *testing.T) {
	template := plainTemplate()
	template.TimeZone, template.Zoneinfo = "Europe/Berlin", "2026f"
	template.Types = map[string]string{"component.scan": "scan"}
	topic := template.Topic()
	month, err := template.Month(MonthOf(2026, 10))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "topic-2.json", topic.Canonical(), topic.Hash())
	golden(t, "month-4.json", month.Canonical(), month.Hash())

	template.Zoneinfo = zoneinfoUntold
	if month, err = template.Month(MonthOf(2026, 10)); err != nil {
		t.Fatal(err)
	}
	golden(t, "month-3.json", month.Canonical(), month.Hash())
	doc, err := os.ReadFile("testdata/golden/month-3.json")
	if err != nil {
		t.Fatal(err)
	}
	if old, err := ParseMonthRules(doc); err != nil || old.Zoneinfo != "" || len(old.Diff(month)) > 0 {
		t.Errorf("rules of version 3 are not read: %v", err)
	}
}

// TestOldRules: those of releases before fingerprints belonged to an app are refused by name, with what can be done.
func TestOldRules(t *testing.T) {
	for name, parse := range map[string]func(doc []byte) error{
		"topic-1.json": func(doc []byte) error { _, err := ParseTopicRules(doc); return err },
		"month-1.json": func(doc []byte) error { _, err := ParseMonthRules(doc); return err },
		"month-2.json": func(doc []byte) error { _, err := ParseMonthRules(doc); return err },
	} {
		doc, err := os.ReadFile("testdata/golden/" + name)
		if err != nil {
			t.Fatal(err)
		}
		err = parse(doc)
		if !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), ": "+name[6:7]+", this program reads") || !strings.Contains(err.Error(), "have the log counted again") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLimitedRules(t *testing.T) {
	template := plainTemplate()
	template.Limits.DevicesPerApp, template.Limits.DevicesPerPartition = 1_000_000, 20_000_000
	month, err := template.Month(MonthOf(2026, 10))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := ParseMonthRules(month.Canonical()); err != nil || again.Limits != template.Limits {
		t.Errorf("read back: %+v, %v", again, err)
	}
	plain, err := plainTemplate().Month(MonthOf(2026, 10))
	if err != nil {
		t.Fatal(err)
	}
	if got := plain.Diff(month); !slices.Equal(got, []string{
		"limits.devices_per_app is none, the configuration says 1000000", "limits.devices_per_partition is none, the configuration says 20000000",
	}) {
		t.Errorf("differences: %q", got)
	}
	doc := strings.Replace(string(month.Canonical()), `"devices_per_app":1000000`, `"devices_per_app":-1`, 1)
	if _, err := ParseMonthRules([]byte(doc)); err == nil {
		t.Error("a limit of −1 is read")
	}
}

// Where the books open is fixed as an instant too: a newer tz database does not move it.
func TestBoundsInTopicRules(t *testing.T) {
	template := plainTemplate()
	template.TimeZone, template.From, template.MonthsBack = "Asia/Shanghai", MonthOf(2026, 10), 119
	doc := template.Topic().Canonical()
	if want := `"grammar":2,"from":"2026-10","from_ms":1790784000000,"months_back":119}`; !strings.HasSuffix(string(doc), want) {
		t.Errorf("%s, want %s at its end", doc, want)
	}
	again, err := ParseTopicRules(doc)
	if err != nil || again.From != template.From || again.MonthsBack != 119 || again.Hash() != template.Topic().Hash() {
		t.Errorf("read back: %+v, %v", again, err)
	}
	moved := *again
	moved.FromMS += 3600_000
	if d := moved.Diff(again); len(d) > 0 {
		t.Errorf("an instant that a tz database has moved differs: %q", d)
	}
	for old, bad := range map[string]string{`"from":"2026-10"`: `"from":"1999-12"`, `"from":"2026`: `"from":"10000`, `"months_back":119`: `"months_back":-1`, `"from_ms":1790784000000,`: ``, `"from":"2026-10",`: ``} {
		if changed := strings.Replace(string(doc), old, bad, 1); changed == string(doc) {
			t.Errorf("%s is not in %s", old, doc)
		} else if _, err := ParseTopicRules([]byte(changed)); err == nil {
			t.Errorf("%s is read", changed)
		}
	}
}

func TestRulesReadBack(t *testing.T) {
	template := plainTemplate()
	template.TimeZone = "America/St_Johns"
	template.Types = map[string]string{"a<b>&\u2028é": "scan"}
	template.Fields.GUID = "data.guid"
	topic, err := ParseTopicRules(template.Topic().Canonical())
	if err != nil || topic.Hash() != template.Topic().Hash() {
		t.Errorf("topic rules: %v", err)
	}
	want, err := template.Month(MonthOf(2009, 10))
	if err != nil {
		t.Fatal(err)
	}
	month, err := ParseMonthRules(want.Canonical())
	if err != nil || month.Hash() != want.Hash() || month.TopicHash != topic.Hash() || len(month.Diff(want)) > 0 {
		t.Errorf("month rules: %v, %v", err, month)
	}
	if key, err := month.PublicKey(); err != nil || !key.Equal(template.SealKey) {
		t.Errorf("PublicKey = %x, %v", key, err)
	}
}

// TestRulesAreReadStrictly changes a document in one place; what is left must not read.
func TestRulesAreReadStrictly(t *testing.T) {
	for _, tt := range []struct{ name, old, new, want string }{
		{"space", `{"version"`, `{ "version"`, "canonical"},
		{"newline at the end", "}\x00", "}\n", "canonical"},
		{"bytes after it", "}\x00", "}x", ""},
		{"unknown member", `{"version":4,`, `{"version":4,"extra":1,`, "canonical"},
		{"member twice", `{"version":4,`, `{"version":4,"version":3,`, "canonical"},
		{"member of other case", `{"version":4,`, `{"Version":3,`, "canonical"},
		{"missing member", `"key_id":"`, `"key_ix":"`, "canonical"},
		{"newer version", `{"version":4,`, `{"version":5,`, "unknown version of rules: 5"},
		{"older version", `{"version":4,`, `{"version":2,`, "unknown version of rules: 2"},
		{"no version", `{"version":4,`, `{`, "unknown version of rules: 0"},
		{"other fingerprints", `"fingerprints":"fp1"`, `"fingerprints":"fp2"`, "fingerprints \"fp2\""},
		{"other order of kinds", `["open","search"`, `["search","open"`, "kinds"},
		{"kind of no name", `"user.login":"login"`, `"user.login":"Login"`, "user.login"},
		{"boundary moved out of order", `"day_starts":[17`, `"day_starts":[18`, "day_starts"},
		{"boundary missing", `"day_starts":[1790812800000,`, `"day_starts":[`, "day_starts"},
		{"precision", `"precision":14`, `"precision":17`, "precision 17"},
		{"limit", `"record_bytes":1048576`, `"record_bytes":0`, "limits"},
		{"seal key", `"seal_key":"6`, `"seal_key":"!`, "seal_key"},
		{"month", `"month":"2026-10"`, `"month":"2026-13"`, "2026-13"},
	} {
		month, _ := plainTemplate().Month(MonthOf(2026, 10))
		doc := string(month.Canonical()) + "\x00"
		changed := strings.TrimSuffix(strings.Replace(doc, tt.old, tt.new, 1), "\x00")
		if !strings.Contains(doc, tt.old) {
			t.Fatalf("%s: %q is not in %s", tt.name, tt.old, doc)
		}
		if _, err := ParseMonthRules([]byte(changed)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q in it", tt.name, err, tt.want)
		}
	}
	for _, tt := range []struct{ name, old, new string }{
		{"zone", `"UTC"`, `"Mars"`}, {"grammar", `"grammar":2`, `"grammar":3`}, {"version", `"version":2`, `"version":9`},
		{"fields", `"guid":"subject"`, `"guid":"type"`}, {"skew", `"skew_ms":600000`, `"skew_ms":-1`}, {"extra", `{"version"`, `{"x":0,"version"`},
	} {
		doc := strings.Replace(string(plainTemplate().Topic().Canonical()), tt.old, tt.new, 1)
		if _, err := ParseTopicRules([]byte(doc)); err == nil {
			t.Errorf("topic rules with another %s read: %s", tt.name, doc)
		}
	}
}

func TestTemplateIsValidated(t *testing.T) {
	many := func(n int) map[string]string {
		types := map[string]string{}
		for i := range n {
			types[fmt.Sprintf("t%d", i)] = fmt.Sprintf("k%d", i)
		}
		return types
	}
	for _, tt := range []struct {
		name   string
		change func(*Template)
		want   string // empty: valid
	}{
		{"default", func(*Template) {}, ""},
		{"five more kinds", func(t *Template) { t.Types = many(5) }, ""},
		{"six more kinds", func(t *Template) { t.Types = many(6) }, "17 kinds"},
		{"no zone", func(t *Template) { t.TimeZone = "" }, "time_zone"},
		{"the host's zone", func(t *Template) { t.TimeZone = "Local" }, "time_zone"},
		{"a type of ours", func(t *Template) { t.Types = map[string]string{"headcount.x": "open"} }, "events.types.headcount.x"},
		{"quantities as a kind", func(t *Template) { t.Types = map[string]string{"usage.reported": "open"} }, "events.types.usage.reported"},
		{"empty type", func(t *Template) { t.Types = map[string]string{"": "open"} }, "events.types"},
		{"empty kind", func(t *Template) { t.Types = map[string]string{"x": ""} }, "events.types.x"},
		{"kind with a space", func(t *Template) { t.Types = map[string]string{"x": "a b"} }, "events.types.x"},
		{"two fields at one place", func(t *Template) { t.Fields.App = "subject" }, "events.fields.app"},
		{"a field inside another", func(t *Template) { t.Fields.App = "subject.app" }, "events.fields.app"},
		{"a name that begins like another", func(t *Template) { t.Fields.App = "subjects.app" }, ""},
		{"an empty name", func(t *Template) { t.Fields.GUID = "data..guid" }, "events.fields.guid"},
		{"a dot at the end", func(t *Template) { t.Fields.Time = "data." }, "events.fields.time"},
		{"a long path", func(t *Template) { t.Fields.Time = "a.b.c.d.e.f.g.h.i" }, "events.fields.time"},
		{"the longest paths", func(t *Template) {
			t.Fields = Fields{Type: "a.b.c.d.e.f.g.h", GUID: "b.b.c.d.e.f.g.h", App: "c.b.c.d.e.f.g.h", Time: "d.b.c.d.e.f.g.h"}
		}, ""},
		{"an app for all", func(t *Template) { t.Fields.AppConst = "our app" }, ""},
		{"an app that is none", func(t *Template) { t.Fields.AppConst = "a\x00" }, "events.fields.app.const"},
		{"a time unit", func(t *Template) { t.Fields.TimeUnit = "us" }, ""},
		{"a time unit that is none", func(t *Template) { t.Fields.TimeUnit = "min" }, "events.time_unit"},
		{"a placeholder", func(t *Template) { t.Placeholders = []string{"Unset", "00000000-0000-0000-0000-000000000001"} }, ""},
		{"placeholders of one's own alone", func(t *Template) { t.OnlyPlaceholders = true }, ""},
		{"an empty placeholder", func(t *Template) { t.Placeholders = []string{""} }, "identity.placeholders"},
		{"a placeholder with a space behind it", func(t *Template) { t.Placeholders = []string{"x "} }, "identity.placeholders"},
		{"no key", func(t *Template) { t.KeyID = "" }, "key_id"},
		{"no seal key", func(t *Template) { t.SealKey = nil }, "seal key"},
		{"precision", func(t *Template) { t.Precision = 3 }, "precision 3"},
		{"limits", func(t *Template) { t.Limits.AppsPerPartition = 0 }, "limits"},
		{"books", func(t *Template) { t.From, t.MonthsBack = MonthOf(2026, 10), 119 }, ""},
		{"books before all time", func(t *Template) { t.From = MonthOf(1999, 12) }, "from: 1999-12"},
		{"months back", func(t *Template) { t.MonthsBack = -1 }, "months_back"},
	} {
		template := plainTemplate()
		tt.change(template)
		err := template.Validate()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q in it", tt.name, err, tt.want)
		}
	}
}

func TestDiff(t *testing.T) {
	is, err := plainTemplate().Month(MonthOf(2026, 10))
	if err != nil {
		t.Fatal(err)
	}
	if d := is.Diff(is); len(d) > 0 {
		t.Errorf("rules differ from themselves: %q", d)
	}
	wanted := plainTemplate()
	wanted.Types = map[string]string{"component.scan": "scan", "minigame.open": "search"}
	wanted.Precision = 12
	wanted.Limits.RecordBytes = 5
	wanted.KeyID = "another"
	wanted.SealKey = ed25519.PublicKey(make([]byte, 32))
	want, err := wanted.Month(MonthOf(2026, 10))
	if err != nil {
		t.Fatal(err)
	}
	want.DayStarts = slices.Clone(want.DayStarts)
	want.DayStarts[0]++
	got := is.Diff(want)
	for i, s := range []string{
		"types.component.scan is not counted, the configuration says scan", "types.minigame.open is open, the configuration says search",
		"kinds is open search", "precision is 14, the configuration says 12", "limits.record_bytes is 1048576, the configuration says 5", "seal_key is ",
	} {
		if i >= len(got) || !strings.HasPrefix(got[i], s) {
			t.Fatalf("got %q, want %q at %d", got, s, i)
		}
	}
	if len(got) != 6 {
		t.Errorf("%d differences: %q; want 6, without the key and the boundaries", len(got), got)
	}

	topic := *plainTemplate().Topic()
	other := topic
	other.TimeZone, other.Fields = "Asia/Tokyo", Fields{GUID: "guid"}
	if got, want := topic.Diff(&other), []string{"time_zone is UTC, the configuration says Asia/Tokyo", "fields.guid is subject, the configuration says guid"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	other = *plainTemplate().Topic()
	other.From, other.FromMS, other.MonthsBack = MonthOf(2026, 10), 1, 7
	if got, want := topic.Diff(&other), []string{"from is none, the configuration says 2026-10", "limits.months_back is none, the configuration says 7"}; !slices.Equal(got, want) || !slices.Equal(topic.DiffBounds(&other), want) {
		t.Errorf("got %q, want %q", got, want)
	}
	topic.Fields = Fields{}
	if got := topic.Diff(plainTemplate().Topic()); len(got) > 0 {
		t.Errorf("fields left out differ from those of CloudEvents: %q", got)
	}
}

// Whatever bytes are taken for rules, they are the one encoding of what they say, or are refused.
func FuzzParseRules(f *testing.F) {
	limited := plainTemplate()
	limited.Limits.DevicesPerApp = 7
	limited.From, limited.MonthsBack = MonthOf(2026, 2), 119
	for _, t := range []*Template{plainTemplate(), limited} {
		month, err := t.Month(MonthOf(2026, 2))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(month.Canonical())
		f.Add(t.Topic().Canonical())
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		if r, err := ParseMonthRules(doc); err == nil {
			if !bytes.Equal(r.Canonical(), doc) {
				t.Errorf("%s is read as %s", doc, r.Canonical())
			}
			r.DayOf(r.Start())
		}
		if r, err := ParseTopicRules(doc); err == nil {
			if _, err := r.Zone(); err != nil || !bytes.Equal(r.Canonical(), doc) {
				t.Errorf("%s is read as %s: %v", doc, r.Canonical(), err)
			}
		}
	})
}
