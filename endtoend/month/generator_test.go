package month_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"testing"
	"time"

	"headcount/endtoend/month"
	"headcount/endtoend/reporter"
)

func generate(t testing.TB, c month.Config, each func(*month.Record)) {
	t.Helper()
	g, err := month.New(c)
	if err != nil {
		t.Fatal(err)
	}
	var rec month.Record
	for g.Next(&rec) {
		each(&rec)
	}
}

func TestSameConfigSameBytes(t *testing.T) {
	sum := func(c month.Config) (s [32]byte) {
		h := sha256.New()
		generate(t, c, func(r *month.Record) {
			h.Write(r.Key)
			h.Write(r.Value)
			for _, x := range r.Headers {
				h.Write(x.Value)
			}
		})
		return [32]byte(h.Sum(nil))
	}
	c := month.Default()
	c.Events, c.Devices, c.Reported, c.Binary, c.Odd = 50_000, 5_000, 0.01, 0.1, 0.1
	c.SealKey = reporter.Public("a seal")
	if once, again := sum(c), sum(c); once != again {
		t.Error("the same Config gave other bytes")
	}
	other := c
	other.Seed++
	if sum(c) == sum(other) {
		t.Error("another seed gave the same bytes")
	}
}

// A clean month is what its name says: every record a CloudEvent of the month, of about 247 bytes, log times rising, all
// devices and apps in it.
func TestClean(t *testing.T) {
	c := month.Default()
	c.Events, c.Devices, c.Apps, c.Odd = 100_000, 10_000, 50, 0
	zone, err := time.LoadLocation("America/St_Johns")
	if err != nil {
		t.Fatal(err)
	}
	c.Zone = zone
	start, end := time.Date(2026, 10, 1, 0, 0, 0, 0, zone), time.Date(2026, 11, 1, 0, 0, 0, 0, zone)
	var last int64
	bytesTotal := 0
	seen := map[string]map[string]bool{"subject": {}, "superapp": {}, "type": {}, "day": {}}
	generate(t, c, func(r *month.Record) {
		var e struct{ Type, Subject, Superapp, Time string }
		if err := json.Unmarshal(r.Value, &e); err != nil {
			t.Fatalf("%s: %v", r.Value, err)
		}
		at, err := time.Parse("2006-01-02T15:04:05.000Z", e.Time)
		if err != nil {
			t.Fatal(err)
		}
		if at.Before(start) || !at.Before(end) {
			t.Fatalf("%s is not in the month", e.Time)
		}
		if at.UnixMilli() > r.Timestamp {
			t.Fatalf("%s reached the log before it happened, at %d", e.Time, r.Timestamp)
		}
		if r.Timestamp < last {
			t.Fatal("log times fall")
		}
		if string(r.Key) != e.Subject {
			t.Fatalf("key %q, subject %q", r.Key, e.Subject)
		}
		last = r.Timestamp
		bytesTotal += len(r.Value)
		seen["subject"][e.Subject], seen["superapp"][e.Superapp], seen["type"][e.Type] = true, true, true
		seen["day"][at.In(zone).Format("02")] = true
	})
	if mean := float64(bytesTotal) / float64(c.Events); mean < 235 || mean > 260 {
		t.Errorf("%.0f bytes an event, want about 247", mean)
	}
	if n := len(seen["subject"]); n < 9_500 || n > 13_000 {
		t.Errorf("%d devices and users of %d", n, c.Devices)
	}
	for what, want := range map[string]int{"superapp": 50, "day": 31, "type": 14} {
		if got := len(seen[what]); got != want {
			t.Errorf("%d different values of %s, want %d", got, what, want)
		}
	}
}

// Odd months have no line break in a record, since they are written as NDJSON, and hold what the package comment promises.
func TestOdd(t *testing.T) {
	c := month.Default()
	c.Events, c.Devices, c.Odd = 100_000, 5_000, 0.2
	broken := 0
	found := map[string]int{`"urn:uuid:`: 0, `"{`: 0, `\u0073`: 0, `"1970-`: 0, `2026-09-30T23:59:59.999Z`: 0, `2026-10-01T00:00:00.000Z`: 0, `2026-10-31T23:59:59.999Z`: 0, `2026-11-01T00:00:00.000Z`: 0, `superapp.launch`: 0, "\xff": 0, `"decoy"`: 0, `+08:00"`: 0}
	generate(t, c, func(r *month.Record) {
		if bytes.ContainsAny(r.Value, "\n") || len(r.Value) == 0 {
			t.Fatalf("not a line: %q", r.Value)
		}
		if !json.Valid(r.Value) {
			broken++
		}
		for s := range found {
			if bytes.Contains(r.Value, []byte(s)) {
				found[s]++
			}
		}
	})
	if broken < 500 || broken > 3000 {
		t.Errorf("%d of %d records are not JSON", broken, c.Events)
	}
	for s, n := range found {
		if n < 50 {
			t.Errorf("%q in %d records", s, n)
		}
	}
}

func TestValidate(t *testing.T) {
	for name, spoil := range map[string]func(*month.Config){
		"month":   func(c *month.Config) { c.Month = "2026-13" },
		"events":  func(c *month.Config) { c.Events = 0 },
		"devices": func(c *month.Config) { c.Devices = -1 },
		"apps":    func(c *month.Config) { c.Apps = 0 },
		"odd":     func(c *month.Config) { c.Odd = 1.5 },
	} {
		c := month.Default()
		spoil(&c)
		if _, err := month.New(c); err == nil {
			t.Errorf("a bad %s was taken", name)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	c := month.Default()
	c.Events, c.Devices = b.N, max(1, b.N/9)
	bytesTotal := 0
	generate(b, c, func(r *month.Record) { bytesTotal += len(r.Value) })
	b.SetBytes(int64(bytesTotal / b.N))
}
