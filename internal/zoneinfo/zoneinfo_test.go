package zoneinfo

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestEmbedded: the database is of a named release, has what changed of late, and every zone in it can be read.
func TestEmbedded(t *testing.T) {
	d := Embedded()
	if !IsRelease(d.Release()) || d.Release() < "2026f" {
		t.Errorf("release %q", d.Release())
	}
	zones := 0
	for _, f := range d.files.File {
		if f.Name == VersionFile {
			continue
		}
		zones++
		if _, err := d.Load(f.Name); err != nil {
			t.Error(err)
		}
	}
	if zones < 500 {
		t.Errorf("%d zones", zones)
	}
	for name, want := range map[string]string{"America/Vancouver": "-07:00", "America/Edmonton": "-06:00", "America/Los_Angeles": "-08:00", "UTC": "Z"} {
		zone, err := d.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := time.Date(2026, 12, 15, 12, 0, 0, 0, time.UTC).In(zone).Format("Z07:00"); got != want {
			t.Errorf("%s in December 2026: %s, want %s", name, got, want)
		}
	}
	for _, name := range []string{"", "Local", "utc", "Mars/Olympus", "../etc/passwd", "Asia", "Asia/", VersionFile} {
		if _, err := d.Load(name); err == nil || !strings.Contains(err.Error(), "is not in the tz database") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	pack := func(members map[string]string) []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for name, data := range members {
			m, err := w.Create(name)
			if err == nil {
				_, err = m.Write([]byte(data))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	tokyo, err := Embedded().Read("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	utc, err := Embedded().Read("Etc/UTC")
	if err != nil {
		t.Fatal(err)
	}

	one, err := Open(write("tokyo", tokyo))
	if err != nil || !strings.HasPrefix(one.Release(), "sha256:") {
		t.Fatalf("one zone: %v", err)
	}
	if zone, err := one.Load("Europe/Berlin"); err != nil || time.Unix(0, 0).In(zone).Hour() != 9 || zone.String() != "Europe/Berlin" {
		t.Errorf("one zone under any name: %v, %v", zone, err)
	}
	for release, want := range map[string]string{"2031b\n": "2031b", "": "sha256:", "latest": "sha256:"} {
		d, err := Open(write("z.zip", pack(map[string]string{"Etc/UTC": string(utc), "Asia/Tokyo": string(tokyo), VersionFile: release})))
		if err != nil || !strings.HasPrefix(d.Release(), want) {
			t.Fatalf("release %q: %v", release, err)
		}
		if _, err := d.Load("Asia/Tokyo"); err != nil {
			t.Error(err)
		}
		if _, err := d.Read("Europe/Berlin"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a zone that is not there: %v", err)
		}
	}
	for name, data := range map[string][]byte{
		"neither a zip": []byte("text"), "empty": nil, "Etc/UTC": pack(map[string]string{"a": "b"}), "broken": tokyo[:len(tokyo)/2],
	} {
		if _, err := Open(write("bad", data)); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	if _, err := Open(dir); err == nil {
		t.Error("a folder is opened")
	}
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestDiffer compares with walking both clocks in small steps.
func TestDiffer(t *testing.T) {
	names := []string{"UTC", "America/Vancouver", "America/Los_Angeles", "Europe/Berlin", "Europe/Paris", "Africa/Lagos", "Asia/Shanghai", "Africa/Algiers"}
	r := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		a, _ := Embedded().Load(names[r.IntN(len(names))])
		b, _ := Embedded().Load(names[r.IntN(len(names))])
		from := time.Date(2024+r.IntN(3), time.Month(1+r.IntN(12)), 1, 0, 0, 0, 0, time.UTC)
		until := from.AddDate(1, 0, 0)
		want := from
		for want.Before(until) {
			_, x := want.In(a).Zone()
			_, y := want.In(b).Zone()
			if x != y {
				break
			}
			want = want.Add(30 * time.Minute)
		}
		at, ok := Differ(a, b, from, until)
		if ok != !want.Before(until) || !ok && !at.Equal(want) {
			t.Errorf("%s and %s from %s: %s, %t, want %s", a, b, from, at, ok, want)
		}
	}
}

func TestHost(t *testing.T) {
	dir := t.TempDir()
	was := hostFolders
	t.Cleanup(func() { hostFolders = was })
	hostFolders = []string{filepath.Join(dir, "none"), dir}
	if zone, _ := Host("Tokyo"); zone != nil {
		t.Error("a zone on a host that has none")
	}
	tokyo, err := Embedded().Read("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"Tokyo": tokyo, "tzdata.zi": []byte("# version 2025b\nR a"), "text": []byte("no zone")} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if zone, release := Host("Tokyo"); zone == nil || release != "2025b" {
		t.Errorf("%v, %q", zone, release)
	}
	if zone, _ := Host("text"); zone != nil {
		t.Error("a text is a zone")
	}
	if err := os.WriteFile(filepath.Join(dir, VersionFile), []byte("2031a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, release := Host("Tokyo"); release != "2031a" {
		t.Errorf("release %q", release)
	}
}

// TestSignHint: what is said is what the zone does.
func TestSignHint(t *testing.T) {
	for name, want := range map[string]string{
		"Etc/GMT+8": "Etc/GMT+8 is 8 h behind UTC (UTC-08:00): its sign is the other way round than people write it; for UTC+08:00 name Etc/GMT-8, or better",
		"Etc/GMT-3": "Etc/GMT-3 is 3 h ahead of UTC (UTC+03:00): its sign is the other way round than people write it; for UTC-03:00 name Etc/GMT+3, or better",
	} {
		if got := SignHint(name); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		zone, err := Embedded().Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if offset := time.Unix(0, 0).In(zone).Format("UTC-07:00"); !strings.Contains(want, "("+offset+")") {
			t.Errorf("%s is %s", name, offset)
		}
	}
	for _, name := range []string{"UTC", "Etc/GMT", "GMT", "Etc/GMT0", "Etc/GMT+0", "GMT-0", "Asia/Shanghai", "Etc/UTC", "8", "+8"} {
		if got := SignHint(name); got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
}
