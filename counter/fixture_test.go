package counter

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"headcount/events"
	"headcount/events/identity"
	"headcount/events/signed"
)

var (
	testGUIDKey = identity.NewGUIDKey([16]byte{1, 2, 3})
	testKeys    = identity.NewKeyring(testGUIDKey)
	testSealKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	testID      = Identity{Cluster: "cluster", TopicID: "topic", Partition: 3}
)

const (
	september = events.Month(2026*12 + 8)
	october   = september + 1
	november  = september + 2
	december  = september + 3
)

// testBook is a template's rulebook that remembers which months it was asked for. It fails for months that are in fails.
type testBook struct {
	events.Rulebook
	template *events.Template
	months   map[events.Month]*events.MonthRules // that are fixed
	fails    map[events.Month]error
	asked    int // for rules that are fixed where they are not
}

func newTestBook(change func(*events.Template)) *testBook {
	t := &events.Template{
		TimeZone: "UTC", Precision: 14, Limits: events.DefaultLimits, KeyID: testGUIDKey.ID(),
		SealKey: testSealKey.Public().(ed25519.PublicKey),
	}
	if change != nil {
		change(t)
	}
	return &testBook{Rulebook: t.Rulebook(), template: t, months: map[events.Month]*events.MonthRules{}, fails: map[events.Month]error{}}
}

func (b *testBook) MonthRules(m events.Month) (*events.MonthRules, error) {
	b.asked++
	if err := b.fails[m]; err != nil {
		return nil, err
	}
	if rules := b.months[m]; rules != nil {
		return rules, nil
	}
	rules, err := b.Rulebook.MonthRules(m)
	if err == nil {
		b.months[m] = rules
	}
	return rules, err
}

func (b *testBook) SealRules(m events.Month, signed func(ed25519.PublicKey) bool) (*events.MonthRules, error) {
	if err := b.fails[m]; err != nil {
		return nil, err
	}
	if b.months[m] != nil || !signed(b.template.SealKey) {
		return b.months[m], nil
	}
	return b.template.Month(m)
}

// testLog makes records, one after another, that are read after all months of the tests.
type testLog struct {
	records []events.Record
	now     time.Time // of the next record
}

func newTestLog() *testLog {
	return &testLog{now: time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)}
}

func (l *testLog) add(value []byte) {
	l.records = append(l.records, events.Record{Offset: events.Offset(len(l.records)), Timestamp: l.now.UnixMilli(), Value: value})
}

func (l *testLog) event(kind, guid, app string, at time.Time) {
	l.add(fmt.Appendf(nil, `{"specversion":"1.0","type":%q,"time":%q,"subject":%q,"superapp":%q}`, kind, at.Format(time.RFC3339Nano), guid, app))
}

func (l *testLog) open(device int, app string, month events.Month, day int) {
	l.event("miniprogram.open", guid(device), app, dayOf(month, day))
}

func (l *testLog) reported(app, meter string, month events.Month, day int, source string, revision, value int64) {
	d := ""
	if day > 0 {
		d = fmt.Sprintf(`"day":"%s-%02d",`, month, day)
	}
	l.add(fmt.Appendf(nil, `{"specversion":"1.0","type":"usage.reported","superapp":%q,"meter":%q,"month":%q,%s"source":%q,"revision":%d,"value":"%d"}`,
		app, meter, month, d, source, revision, value))
}

func dayOf(month events.Month, day int) time.Time {
	return time.Date(month.Year(), month.Calendar(), day, 12, 0, 0, 0, time.UTC)
}

func guid(device int) string {
	b := []byte{1, 15: 0} // all zeros are no device
	binary.BigEndian.PutUint64(b[8:], uint64(device))
	return fmt.Sprintf("%x", b)
}

// testPrint is a fingerprint as uniform as real ones.
func testPrint(i int) identity.Fingerprint {
	sum := sha256.Sum256(binary.LittleEndian.AppendUint64(nil, uint64(i)))
	return identity.Fingerprint(sum[:16])
}

// testSalt is that of an app's sketches in October.
func testSalt(app string) *identity.Salt {
	salt := testGUIDKey.Salt(app, "2026-10")
	return &salt
}

// fastPrint is testPrint for many.
func fastPrint(r *rand.PCG) (f identity.Fingerprint) {
	binary.LittleEndian.PutUint64(f[:8], r.Uint64())
	binary.LittleEndian.PutUint64(f[8:], r.Uint64())
	return f
}

// seal adds a valid seal, changed by change.
func (l *testLog) seal(book *testBook, month events.Month, previous *signed.PreviousClosing, change func(*signed.Seal)) {
	rules, err := book.MonthRules(month)
	if err != nil {
		panic(err)
	}
	s := signed.Seal{
		Cluster: testID.Cluster, TopicID: testID.TopicID, Partition: testID.Partition, Month: month, SealID: "seal of " + month.String(),
		RulesHash: rules.Hash(), Partitions: []events.Partition{0, 1, 2, 3}, Previous: previous,
	}
	if change != nil {
		change(&s)
	}
	l.add(s.Sign(testSealKey))
}

// countAll counts all of the log and returns what was sealed on the way.
func countAll(tb testing.TB, s *Shard, recs []events.Record) (sealed []*Sealed) {
	tb.Helper()
	for len(recs) > 0 {
		n, z, err := s.Count(recs)
		if err != nil {
			tb.Fatalf("Count at offset %d: %v", recs[n].Offset, err)
		}
		if z != nil {
			sealed = append(sealed, z)
		} else if n < len(recs) {
			tb.Fatalf("Count stopped at offset %d without a seal", recs[n].Offset)
		}
		recs = recs[n:]
	}
	return sealed
}

// appContent is all that a RowReader says of one app.
type appContent struct {
	AppHeader
	Rows []Row
}

// readAll reads a RowReader in pieces of odd sizes.
func readAll(tb testing.TB, r RowReader) (apps []appContent) {
	tb.Helper()
	for {
		h, err := r.NextApp()
		if errors.Is(err, io.EOF) {
			return apps
		}
		if err != nil {
			tb.Fatal(err)
		}
		a := appContent{AppHeader: *h}
		for k := range a.Registers {
			a.Registers[k] = bytes.Clone(h.Registers[k])
		}
		buf := make([]Row, 1+len(apps)*7%100)
		for {
			n, err := r.Rows(buf)
			if err != nil {
				tb.Fatal(err)
			}
			if n == 0 {
				break
			}
			a.Rows = append(a.Rows, buf[:n]...)
		}
		if uint64(len(a.Rows)) != a.Devices {
			tb.Fatalf("app %q: %d rows, header says %d", a.App, len(a.Rows), a.Devices)
		}
		apps = append(apps, a)
	}
}

// whole returns a delta whose windows show all that they hold.
func whole(d *Delta) *Delta {
	all := *d
	all.Windows = nil
	parts := d.Parts()
	for p := parts.Next(); p != nil; p = parts.Next() {
		n := len(all.Windows)
		if n == 0 || all.Windows[n-1].WindowID != p.WindowID {
			all.Windows = append(all.Windows, WindowDelta{WindowID: p.WindowID, First: p.First})
			n++
		}
		w := &all.Windows[n-1]
		w.Counters = p.Counters
		w.Fingerprints = append(w.Fingerprints, p.Fingerprints...)
		w.Facts = append(w.Facts, p.Facts...)
		w.Registers = append(w.Registers, p.Registers...)
		w.Totals = append(w.Totals, p.Totals...)
	}
	return &all
}
