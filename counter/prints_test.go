package counter

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"headcount/events"
	"headcount/events/identity"
)

// printsOf returns the fingerprints of a month by app.
func printsOf(t *testing.T, s *Shard, m events.Month) map[string][]identity.Fingerprint {
	t.Helper()
	all := map[string][]identity.Fingerprint{}
	for _, a := range readAll(t, s.Snapshot(m).OnTime()) {
		for _, r := range a.Rows {
			all[a.App] = append(all[a.App], r.Fingerprint)
		}
	}
	return all
}

// TestForeignApp: whoever sends a GUID that he knows under an app of his own, and reads the state, cannot tell which device of another
// app it is. In either form of a window, and whether a record is the first of its window or not.
func TestForeignApp(t *testing.T) {
	for _, devices := range []int{1, 10, flatDevices + 200} {
		l := newTestLog()
		for i := range devices {
			l.open(i, "theirs", october, 1)
			l.open(i, "mine", october, 1)
			l.event("user.login", guid(i), "theirs", dayOf(october, 1))
			l.event("user.login", guid(i), "mine", dayOf(october, 1))
		}
		s := NewShard(testID, newTestBook(nil), testKeys)
		countAll(t, s, l.records)
		prints := printsOf(t, s, october)
		if len(prints["theirs"]) != 2*devices || len(prints["mine"]) != 2*devices {
			t.Fatalf("%d and %d fingerprints, want %d", len(prints["theirs"]), len(prints["mine"]), 2*devices)
		}
		for _, f := range prints["mine"] {
			if slices.Contains(prints["theirs"], f) {
				t.Errorf("%d devices: %s is in the state of both apps", devices, f)
			}
		}
	}
}

// TestCraftedUUID: the 16 bytes that stand for a user or an opaque id are for everybody to make. A UUID of them is a device of its own.
func TestCraftedUUID(t *testing.T) {
	l := newTestLog()
	l.event("user.login", "someone", "app", dayOf(october, 1))
	l.event("miniprogram.open", "someone", "app", dayOf(october, 1))
	for _, population := range []string{"user", "opaque", "device"} {
		sum := sha256.Sum256([]byte(population + "\x00someone"))
		l.event("miniprogram.open", fmt.Sprintf("%x", sum[:16]), "app", dayOf(october, 1))
	}
	s := NewShard(testID, newTestBook(nil), testKeys)
	countAll(t, s, l.records)
	if got := len(printsOf(t, s, october)["app"]); got != 5 {
		t.Errorf("%d devices and users, want 5", got)
	}
}

// TestKeyOfTheMonth: each month's fingerprints and sketches are made by the key that its rules name, before a seal and after it.
func TestKeyOfTheMonth(t *testing.T) {
	old, newer := identity.NewGUIDKey([16]byte{1}), identity.NewGUIDKey([16]byte{2})
	book := newTestBook(func(t *events.Template) { t.KeyID = old.ID() })
	if _, err := book.MonthRules(september); err != nil {
		t.Fatal(err)
	}
	book.template.KeyID = newer.ID()
	l := newTestLog()
	l.open(1, "app", september, 3)
	l.open(1, "app", october, 3)
	s := NewShard(testID, book, identity.NewKeyring(old, newer))
	countAll(t, s, l.records)
	for m, key := range map[events.Month]*identity.GUIDKey{september: old, october: newer} {
		app := key.App("app")
		want, _ := app.Device([]byte(guid(1)))
		apps := readAll(t, s.Snapshot(m).OnTime())
		if got := apps[0].Rows[0].Fingerprint; got != want {
			t.Errorf("%s: fingerprint %s, want %s", m, got, want)
		}
		if got := apps[0].Salt; got != key.Salt("app", m.String()) {
			t.Errorf("%s: salt %x", m, got)
		}
	}
	n, _, err := NewShard(testID, book, identity.NewKeyring(newer)).Count(l.records)
	if n != 0 || !errors.Is(err, identity.ErrUnknownKey) || !strings.Contains(err.Error(), old.ID()) || !strings.Contains(err.Error(), "2026-09") {
		t.Errorf("without September's key: %d, %v", n, err)
	}
}

// estimateOf is what a sketch with a salt says of devices.
func estimateOf(salt identity.Salt, prints []identity.Fingerprint) float64 {
	registers := make([]uint8, 1<<14)
	for i := range prints {
		index, value := registerOf(salt.Hash(&prints[i]), 14)
		registers[index] = max(registers[index], value)
	}
	return float64(Estimate(registers))
}

// realPrints are the fingerprints of devices of an app.
func realPrints(app string, n int) []identity.Fingerprint {
	makes := testGUIDKey.App(app)
	prints := make([]identity.Fingerprint, n)
	for i := range prints {
		prints[i], _ = makes.Device([]byte(guid(i)))
	}
	return prints
}

// TestSaltedEstimates: over many salts the same devices are estimated without a bias, and with the error of a sketch.
func TestSaltedEstimates(t *testing.T) {
	const months = 400
	for _, n := range []int{300, 5_000, 30_000} {
		prints := realPrints("app", n)
		sum, squares := 0.0, 0.0
		for m := range events.Month(months) {
			miss := estimateOf(testGUIDKey.Salt("app", m.String()), prints)/float64(n) - 1
			sum += miss
			squares += miss * miss
		}
		mean, deviation := sum/months, math.Sqrt(squares/months)
		sigma := 1.04 / math.Sqrt(1<<14)
		t.Logf("%d devices: mean error %+.4f %%, deviation %.3f %%", n, 100*mean, 100*deviation)
		if math.Abs(mean) > 4.5*sigma/math.Sqrt(months)+0.001 || deviation > 1.15*sigma {
			t.Errorf("%d devices: mean error %+.4f %%, deviation %.3f %%, where a sketch has %.3f %%", n, 100*mean, 100*deviation, 100*sigma)
		}
	}
}

// TestAdaptiveSender: who sees the registers of a month can pick ids that raise none, so that the estimate stays as it is, whatever he
// sends. In the next month, and in another app, what he has learned is worth nothing.
func TestAdaptiveSender(t *testing.T) {
	const honest, chosen = 20_000, 20_000
	candidates := realPrints("app", 200_000)
	now := testGUIDKey.Salt("app", "2026-10")
	registers := make([]uint8, 1<<14)
	sent := candidates[:0:0]
	for i := range candidates {
		index, value := registerOf(now.Hash(&candidates[i]), 14)
		if len(sent) < honest {
			registers[index] = max(registers[index], value)
		} else if registers[index] < value {
			continue
		}
		if sent = append(sent, candidates[i]); len(sent) == honest+chosen {
			break
		}
	}
	if got := estimateOf(now, sent); len(sent) != honest+chosen || got > 0.55*(honest+chosen) {
		t.Fatalf("the sender of %d devices does not make the estimate low: %.0f", len(sent), got)
	}
	next := func(what string, salt identity.Salt, prints []identity.Fingerprint) {
		if got := estimateOf(salt, prints); math.Abs(got/(honest+chosen)-1) > 5.7*1.04/math.Sqrt(1<<14) {
			t.Errorf("%s the estimate of what he chose is %.0f, where he sends %d", what, got, honest+chosen)
		}
	}
	for m := range events.Month(50) {
		next("in the month "+(november+m).String(), testGUIDKey.Salt("app", (november+m).String()), sent)
		next(fmt.Sprintf("in app %d", m), testGUIDKey.Salt(fmt.Sprint("app ", m), "2026-10"), sent)
	}
}

// TestSaltsAreIndependent: devices that fall together with one salt are spread evenly with another: over registers, and over values.
func TestSaltsAreIndependent(t *testing.T) {
	prints := realPrints("app", 1<<20)
	for round := range 8 {
		before, after := testGUIDKey.Salt("app", fmt.Sprint(round)), testGUIDKey.Salt("app", fmt.Sprint(round+1))
		var registers [64]float64
		var bits [64]float64
		n := 0.0
		for i := range prints {
			if before.Hash(&prints[i])>>56 != uint64(round) {
				continue
			}
			h := after.Hash(&prints[i])
			n++
			registers[h>>58]++
			for b := range bits {
				bits[b] += float64(h >> b & 1)
			}
		}
		chi := 0.0
		for _, got := range registers {
			chi += (got - n/64) * (got - n/64) / (n / 64)
		}
		if chi > 63+6*math.Sqrt(2*63) {
			t.Errorf("round %d: of %.0f devices χ² of the registers is %.0f, where 63 is expected", round, n, chi)
		}
		for b, ones := range bits {
			if math.Abs(ones-n/2) > 6*math.Sqrt(n)/2 {
				t.Errorf("round %d: bit %d is set in %.0f of %.0f", round, b, ones, n)
			}
		}
	}
}

// TestUniteRefusesOtherSalts: sketches of one app that were made with two salts are none of one set.
func TestUniteRefusesOtherSalts(t *testing.T) {
	content := func(salt identity.Salt) RowReader {
		a := appContent{AppHeader: AppHeader{App: "app", Salt: salt}}
		a.Registers[events.Open] = make([]uint8, 1<<14)
		return &sliceReader{apps: []appContent{a}, left: -1}
	}
	cfg := UnionConfig{Month: october, Precision: 14}
	unite(t, cfg, []RowReader{content(identity.Salt{1}), content(identity.Salt{1})}, nil)
	err := Unite(cfg, []RowReader{content(identity.Salt{1}), content(identity.Salt{2})}, nil, func(*AppUnion) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "another salt") {
		t.Errorf("two salts: %v", err)
	}
}
