package main

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWritesNDJSON(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.ndjson")
	if err := run(t.Context(), []string{"--events", "1000", "--devices", "100", "--out", name}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte("\n")); n != 1000 || text[len(text)-1] != '\n' {
		t.Errorf("%d lines, want 1000", n)
	}
}

func TestRefuses(t *testing.T) {
	for want, args := range map[string][]string{
		"argument":  {"x"},
		"--binary":  {"--binary", "0.5"},
		"time-zone": {"--time-zone", "Mars/Olympus"},
		"month":     {"--month", "2026-1"},
		"directory": {"--out", "nowhere/at/all"},
	} {
		if err := run(context.Background(), args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want an error about %s", args, err, want)
		}
	}
}

// The counts are those of a recount of what was written, by kind and by any, and only clean months have them.
func TestCounts(t *testing.T) {
	dir := t.TempDir()
	events, counts := filepath.Join(dir, "x.ndjson"), filepath.Join(dir, "counts.json")
	if err := run(t.Context(), []string{"--clean", "--events", "5000", "--devices", "700", "--apps", "3", "--out", events, "--counts", counts}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(events)
	if err != nil {
		t.Fatal(err)
	}
	devices := map[[3]string]bool{}
	want := map[string]Counts{}
	for line := range bytes.Lines(text) {
		var e struct{ Type, Subject, Superapp string }
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		_, kind, _ := strings.Cut(e.Type, ".")
		if !strings.HasPrefix(e.Type, "mini") {
			continue
		}
		c := want[e.Superapp]
		for _, what := range []string{kind, "any"} {
			key := [3]string{e.Superapp, e.Subject, what}
			if devices[key] {
				continue
			}
			devices[key] = true
			switch what {
			case "open":
				c.Open++
			case "search":
				c.Search++
			case "predownload":
				c.Predownload++
			default:
				c.Any++
			}
		}
		want[e.Superapp] = c
	}
	var got struct{ Apps map[string]Counts }
	if text, err = os.ReadFile(counts); err == nil {
		err = json.Unmarshal(text, &got)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(want) != 3 || !maps.Equal(got.Apps, want) {
		t.Errorf("%v, want %v", got.Apps, want)
	}
	if err := run(t.Context(), []string{"--counts", counts}); err == nil || !strings.Contains(err.Error(), "--clean") {
		t.Errorf("odd records: %v", err)
	}
}
