package main

import (
	"bytes"
	"context"
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
