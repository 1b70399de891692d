package events

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"headcount/internal/zoneinfo"
)

// zipOf makes a database of some zones, each in another's place, and of a release.
func zipOf(t *testing.T, release string, places map[string]string) *zoneinfo.Database {
	t.Helper()
	file := filepath.Join(t.TempDir(), "zoneinfo.zip")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(f)
	add := func(name string, data []byte) {
		member, err := w.Create(name)
		if err == nil {
			_, err = member.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	places["Etc/UTC"] = "Etc/UTC"
	for name, from := range places {
		data, err := zoneinfo.Embedded().Read(from)
		if err != nil {
			t.Fatal(err)
		}
		add(name, data)
	}
	add(zoneinfo.VersionFile, []byte(release))
	for _, c := range []io.Closer{w, f} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	db, err := zoneinfo.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// TestUseZoneinfo: another database moves the months that have no rules yet, and their rules name it; what differs in nothing but that
// is no difference.
func TestUseZoneinfo(t *testing.T) {
	t.Cleanup(func() { UseZoneinfo(nil) })
	template := plainTemplate()
	template.TimeZone = "America/Vancouver"
	rulesOf := func() *MonthRules {
		r, err := template.Month(MonthOf(2026, 12))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	ours := rulesOf()
	if want := unixMillis(t, "2026-12-01T07:00:00Z"); ours.Start() != want || ours.Zoneinfo != zoneinfo.Embedded().Release() {
		t.Errorf("December begins at %d by %s, want %d: British Columbia no longer sets its clocks", ours.Start(), ours.Zoneinfo, want)
	}
	UseZoneinfo(zipOf(t, "2099a", map[string]string{"America/Vancouver": "America/Los_Angeles"}))
	theirs := rulesOf()
	if want := unixMillis(t, "2026-12-01T08:00:00Z"); theirs.Start() != want || theirs.Zoneinfo != "2099a" {
		t.Errorf("by another database December begins at %d by %s, want %d", theirs.Start(), theirs.Zoneinfo, want)
	}
	if d := ours.Diff(theirs); len(d) > 0 {
		t.Errorf("differences: %q", d)
	}
	again, err := ParseMonthRules(theirs.Canonical())
	if err != nil || again.Zoneinfo != "2099a" {
		t.Errorf("read back: %v", err)
	}
	for old, bad := range map[string]string{`,"zoneinfo":"2099a"`: "", `"version":4`: `"version":3`} {
		if _, err := ParseMonthRules([]byte(strings.Replace(string(theirs.Canonical()), old, bad, 1))); err == nil {
			t.Errorf("rules with %q for %s are read", bad, old)
		}
	}
	if all := EarlierZoneinfo(); all[0] != "2099a" || !slices.Contains(all, zoneinfo.Embedded().Release()) {
		t.Errorf("what rules may name: %q", all)
	}
}

func TestEarlierZoneinfo(t *testing.T) {
	all := EarlierZoneinfo()
	if all[0] != zoneinfo.Embedded().Release() || !slices.Contains(all, "2026a") || all[len(all)-1] != zoneinfoUntold {
		t.Errorf("%q: want the present release first, those before it, and none at the end", all)
	}
	seen := map[string]bool{}
	for _, name := range all {
		if seen[name] || name > all[0] && name != zoneinfoUntold {
			t.Errorf("%s is there twice, or is yet to come", name)
		}
		seen[name] = true
	}
}
