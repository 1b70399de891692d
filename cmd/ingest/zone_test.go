package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"headcount/cmd/config"
	"headcount/events"
	"headcount/events/stream"
	"headcount/internal/zoneinfo"
)

func configured(t *testing.T, billing string) *config.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "headcount.yaml")
	if err := os.WriteFile(file, []byte("billing: {"+billing+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCheckZone: with another zone's data in the billing zone's place, the host's differs; with the billing zone's own, and with the
// wrong sign, what is said is that.
func TestCheckZone(t *testing.T) {
	t.Cleanup(func() { events.UseZoneinfo(nil) })
	now := time.Date(2026, 11, 15, 0, 0, 0, 0, time.UTC)
	if host, _ := zoneinfo.Host("Asia/Tokyo"); host == nil {
		t.Skip("this host has no tz database")
	}
	found := checkZone(configured(t, "time_zone: Asia/Tokyo, from: 2026-10"), now)
	if len(found) != 1 || found[0].Verdict != stream.Pass || !strings.Contains(found[0].Detail, zoneinfo.Embedded().Release()+", as this host's") {
		t.Errorf("%+v", found)
	}
	berlin, err := zoneinfo.Embedded().Read("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "berlin")
	if err := os.WriteFile(file, berlin, 0o600); err != nil {
		t.Fatal(err)
	}
	found = checkZone(configured(t, "time_zone: Asia/Tokyo, from: 2026-10, zoneinfo: "+file), now)
	if len(found) != 1 || found[0].Verdict != stream.Warn || !strings.HasSuffix(found[0].Detail, " on: +02:00 here, +09:00 there") || !strings.Contains(found[0].Detail, "sha256:") ||
		!strings.Contains(found[0].Detail, "from 2026-09-30T22:00:00Z") || !strings.Contains(found[0].Remedy, "billing.zoneinfo") {
		t.Errorf("%+v", found)
	}
	found = checkZone(configured(t, "time_zone: Etc/GMT+8"), now)
	if len(found) != 2 || found[1].Verdict != stream.Warn || !strings.Contains(found[1].Detail, "8 h behind UTC") {
		t.Errorf("%+v", found)
	}
}
