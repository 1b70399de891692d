package endtoend

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"database/sql"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"headcount/endtoend/month"
	"headcount/endtoend/naive"
)

// verified is what verify --json prints.
type verified struct {
	OK     bool
	Checks []struct {
		What                 string
		Checked, Differences int
	}
	Differences []struct{ What, Place, Want, Got string }
	Notes       []string
}

const verifyAccounts = `accounts:
  - {id: acme, apps: [app-001, app-002], plan: tcmpp/pro, from: 2024-12-01, until: 2026-12-01, overrides: {mau.free: "10"}}
  - {id: blue, apps: [app-003], plan: tcsas/professional, from: 2025-01-01}
  - {id: cyan, apps: [app-004], plan: chat/standard, from: 2025-01-01, until: 2026-01-01}
  - {id: dusk, apps: [app-005], plan: im/pro, from: 2025-01-01}
  - {id: east, apps: [app-006], plan: mpaas/standard, from: 2025-01-01}
  - {id: idle, apps: [app-900], plan: tcmpp/pro, from: 2025-01-01}
`

// verifiedSite closes three months with odd records, every next month's records with stragglers of the ones before.
func verifiedSite(t *testing.T) *site {
	t.Helper()
	s := newSite(t, verifyAccounts, nil)
	s.reporters(month.Reporters...)
	l := naive.New(time.UTC)
	for i, m := range []string{"2025-01", "2025-02", "2025-03"} {
		s.send(l, s.verifiedRecords(i, m))
		if i > 0 { // late ones of the month before, expired ones of the month before that
			for back := 1; back <= 2; back++ {
				s.send(l, generate(t, month.Config{Month: time.Date(2025, time.Month(i+1-back), 1, 0, 0, 0, 0, time.UTC).Format("2006-01"), Events: 3000, Devices: 2000, Apps: 8, Seed: uint64(10*i + back), Logins: 0.1, Reported: 0.02, SealKey: s.sealKey()}))
			}
		}
		s.ok("ingest", "run", "--until-end")
		if r := s.run("rollup", "close", "--month", m); r.code > 1 {
			t.Fatalf("%s: %d\n%s", r.line, r.code, cut(r.stderr))
		}
	}
	return s
}

// verifiedRecords are those of the i-th of the three months.
func (s *site) verifiedRecords(i int, m string) []record {
	s.Helper()
	events := 20_000
	if testing.Short() {
		events = 5000
	}
	return generate(s.T, month.Config{
		Month: m, Events: events, Devices: 2500, Apps: 8, Seed: uint64(i + 1), Logins: 0.05, Components: 0.05, Reported: 0.02, SealKey: s.sealKey(), Odd: 0.05, Binary: 0.1,
	})
}

func (s *site) verify(code int, args ...string) verified {
	s.Helper()
	return decode[verified](s.T, s.want(code, append([]string{"rollup", "verify", "--json"}, args...)...).stdout)
}

// Honest months agree in every number, with the log and from the sealed files alone.
func TestHonestMonthsVerify(t *testing.T) {
	t.Parallel()
	s := verifiedSite(t)
	for _, m := range []string{"2025-01", "2025-02", "2025-03"} {
		for _, args := range [][]string{{"--month", m}, {"--month", m, "--from-sealed"}} {
			r := s.run(append([]string{"rollup", "verify"}, args...)...)
			if r.code != 0 {
				t.Errorf("%s: exit code %d\n%s\n%s", r.line, r.code, cut(r.stdout), cut(r.stderr))
			}
		}
	}
}

// What is changed after the close is named, with its place.
func TestTamperingIsNamed(t *testing.T) {
	t.Parallel()
	s := verifiedSite(t)
	const m = "2025-02"
	file := func(pattern string) string {
		t.Helper()
		found, err := filepath.Glob(s.path(pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		return found[0]
	}
	edit := func(name string, change func([]byte) []byte) func() {
		return func() {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, change(bytes.Clone(b)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte { b[(at+len(b))%len(b)] ^= 4; return b }
	}
	change := func(text string) func() {
		return func() {
			db, err := sql.Open("sqlite", s.path("data/ledger.db"))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			rows, err := db.Query(`SELECT name, sql FROM sqlite_master WHERE type = 'trigger'`)
			if err != nil {
				t.Fatal(err)
			}
			var steps, back []string
			for rows.Next() {
				var name, text string
				rows.Scan(&name, &text)
				steps, back = append(steps, `DROP TRIGGER "`+name+`"`), append(back, text)
			}
			rows.Close()
			if text != "" { // a careful forger puts the triggers back
				steps = append(append(steps, text), back...)
			}
			for _, q := range steps {
				if _, err := db.Exec(q); err != nil {
					t.Fatalf("%s: %v", q, err)
				}
			}
		}
	}
	state := "data/state/*/*/"
	index, data := file(state+"1/sealed/"+m+".index"), file(state+"1/sealed/"+m+"-*.data")
	rules, topic := file(state+"rules/"+m+".json"), file(state+"rules/topic.json")
	ledger := []string{s.path("data/ledger.db"), s.path("data/ledger.db-wal"), s.path("data/ledger.db-shm")}
	for _, row := range []struct {
		name   string
		files  []string // that are put back
		tamper func()
		check  string // that names it
		place  string
	}{
		{"sealed data: header", []string{data}, edit(data, flip(3)), "sealed files", filepath.Base(data)},
		{"sealed data: a block's length", []string{data}, edit(data, flip(17)), "sealed files", filepath.Base(data)},
		{"sealed data: an app's head", []string{data}, edit(data, flip(40)), "sealed files", filepath.Base(data)},
		{"sealed data: rows", []string{data}, edit(data, flip(-2000)), "sealed files", filepath.Base(data)},
		{"sealed data: end", []string{data}, edit(data, flip(-1)), "sealed files", filepath.Base(data)},
		{"sealed data: cut", []string{data}, edit(data, func(b []byte) []byte { return b[:len(b)-60] }), "sealed files", filepath.Base(data)},
		{"sealed data: gone", []string{data}, func() { os.Remove(data) }, "sealed files", filepath.Base(data)},
		{"index: a byte", []string{index}, edit(index, flip(60)), "sealed index", filepath.Base(index)},
		{"index: rewritten with its hash", []string{index}, edit(index, func(b []byte) []byte {
			lines := bytes.SplitAfter(b, []byte("\n"))
			body := append(bytes.Clone(lines[0]), regexp.MustCompile(`"events":\d+`).ReplaceAll(lines[1], []byte(`"events":7`))...)
			return fmt.Appendf(body, "sha256:%x\n", sha256.Sum256(body))
		}), "sealed index", "events"},
		{"index: gone", []string{index}, func() { os.Remove(index) }, "sealed index", filepath.Base(index)},
		{"rules", []string{rules}, edit(rules, func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"miniprogram.search":"search"`), []byte(`"miniprogram.search":"open"`), 1)
		}), "rules", m + ".json"},
		{"rules: not JSON", []string{rules}, edit(rules, func(b []byte) []byte { return b[1:] }), "rules", m + ".json"},
		{"rules: gone", []string{rules}, func() { os.Remove(rules) }, "rules", m + ".json"},
		{"the topic's rules", []string{topic}, edit(topic, func(b []byte) []byte { return bytes.Replace(b, []byte("600000"), []byte("600001"), 1) }), "rules", "topic_rules"},
		{"the topic's rules: not JSON", []string{topic}, edit(topic, func(b []byte) []byte { return b[1:] }), "rules", "topic.json"},
		{"the topic's rules: gone", []string{topic}, func() { os.Remove(topic) }, "rules", "topic.json"},
		{"guid key: not a key", []string{s.path("data/guid.key")}, func() { s.write("data/guid.key", "key\n") }, "keys", "GUID key"},
		{"guid key", []string{s.path("data/guid.key")}, func() { s.write("data/guid.key", strings.Repeat("0a", 16)+"\n") }, "keys", "GUID key"},
		{"seal public key", []string{s.path("data/seal.pub")}, func() { s.write("data/seal.pub", publicKeyPEM(t)) }, "keys", "seal_key"},
		{"ledger: usage", ledger, change(`UPDATE usage SET document = CAST(replace(CAST(document AS TEXT), '"events":', '"events":1') AS BLOB) WHERE month = '` + m + `' AND app = 'app-001'`), "ledger chain", "usage"},
		{"ledger: invoice", ledger, change(`UPDATE invoices SET total = '0.01' WHERE month = '` + m + `' AND account = 'acme'`), "ledger chain", "invoices"},
		{"ledger: accounts of the closing", ledger, change(`UPDATE closings SET accounts = CAST(replace(CAST(accounts AS TEXT), '"10"', '"11"') AS BLOB) WHERE month = '` + m + `'`), "ledger chain", "closings"},
		{"ledger: a price book", ledger, change(`UPDATE books SET document = CAST(replace(CAST(document AS TEXT), '0.015', '0.014') AS BLOB)`), "ledger chain", "books"},
		{"ledger: accounts that are none", ledger, change(`UPDATE closings SET accounts = CAST('{' AS BLOB) WHERE month = '` + m + `'`), "ledger chain", "closings"},
		{"ledger: an invoice that is none", ledger, change(`UPDATE invoices SET document = CAST('{' AS BLOB) WHERE month = '` + m + `'`), "ledger chain", "invoices"},
		{"ledger: a usage that is none", ledger, change(`UPDATE results SET document = CAST('{' AS BLOB) WHERE month = '` + m + `'`), "ledger chain", "results"},
		{"ledger: the result gone", ledger, change(`DELETE FROM results WHERE month = '` + m + `'`), "ledger chain", "results"},
		{"ledger: the closing gone", ledger, change(`DELETE FROM closings WHERE month = '` + m + `'`), "ledger chain", "closings"},
		{"ledger: an outbox that is none", ledger, change(`UPDATE outbox SET message = CAST('{' AS BLOB) WHERE month = '` + m + `'`), "ledger chain", "outbox"},
		{"ledger: a line", ledger, change(`UPDATE lines SET amount = '0.00' WHERE amount <> '0.00'`), "ledger chain", "lines"},
		{"ledger: triggers", ledger, change(""), "ledger chain", "trigger"},
		{"ledger: the chain cut", ledger, change(`DELETE FROM entries WHERE seq = (SELECT max(seq) FROM entries)`), "ledger chain", ""},
	} {
		kept := map[string][]byte{}
		for _, f := range row.files {
			if b, err := os.ReadFile(f); err == nil {
				kept[f] = b
			}
		}
		row.tamper()
		r := s.run("rollup", "verify", "--json", "--month", m)
		for _, f := range row.files {
			os.Remove(f)
		}
		for f, b := range kept {
			if err := os.WriteFile(f, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if r.code != 1 || r.stdout == "" {
			t.Errorf("%s: exit code %d\n%s", row.name, r.code, cut(r.stderr))
			continue
		}
		v, named := decode[verified](t, r.stdout), false
		for _, d := range v.Differences {
			named = named || d.What == row.check && strings.Contains(d.Place, row.place)
		}
		if v.OK || !named {
			t.Errorf("%s: is not named: %+v", row.name, v.Differences)
		}
	}
	s.write("accounts.yaml", strings.Replace(verifyAccounts, `"10"`, `"1000000"`, 1))
	if v := s.verify(0, "--month", m); !strings.Contains(strings.Join(v.Notes, "\n"), "accounts file is not what it was") {
		t.Errorf("accounts after the close: %q", v.Notes)
	}
}

func publicKeyPEM(t *testing.T) string {
	t.Helper()
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// A device is found in any spelling, on time and late, with its days, its line and its first record.
func TestExplain(t *testing.T) {
	t.Parallel()
	s := newSite(t, verifyAccounts, nil)
	s.reporters(month.Reporters...)
	l := naive.New(time.UTC)
	const guid = "6f1c2f0e-7e5c-4b7e-9b1f-1f0e2d3c4b5a"
	s.send(l, []record{
		event("miniprogram.open", "app-001", "other", "2025-01-02T10:00:00Z"),
		event("miniprogram.search", "app-001", guid, "2025-01-03T10:00:00Z"),
		event("miniprogram.search", "app-001", guid, "2025-01-09T10:00:00Z"),
		event("miniprogram.open", "app-003", "other", "2025-01-02T10:00:00Z"),
	})
	s.ok("rollup", "close", "--month", "2025-01")
	s.send(l, []record{event("miniprogram.open", "app-003", guid, "2025-01-30T10:00:00Z")})
	s.ok("rollup", "close", "--month", "2025-02")
	type explained struct {
		Counted   bool
		Did, Late []struct {
			Partition int
			Kind      string
			Days      []string
		}
		Meters, Lines []string
		SettledBy     string   `json:"late_settled_by"`
		LateLines     []string `json:"late_lines"`
		First         *struct {
			Partition, Offset int
			Late              bool
		} `json:"first_record"`
	}
	where := naive.Partition([]byte(guid), partitions)
	for _, spelling := range []string{guid, "{" + strings.ToUpper(guid) + "}", "urn:uuid:" + strings.ReplaceAll(guid, "-", "")} {
		e := decode[explained](t, s.ok("rollup", "explain", "--json", "--month", "2025-01", "--app", "app-001", "--guid", spelling, "--find"))
		if !e.Counted || len(e.Did) != 1 || e.Did[0].Kind != "search" || e.Did[0].Partition != where || fmt.Sprint(e.Did[0].Days) != "[2025-01-03 2025-01-09]" ||
			fmt.Sprint(e.Meters) != "[mau]" || len(e.Lines) != 1 || e.First == nil || e.First.Partition != where || e.First.Late {
			t.Errorf("%s: %+v", spelling, e)
		}
	}
	if e := decode[explained](t, s.ok("rollup", "explain", "--json", "--month", "2025-01", "--app", "app-003", "--guid", guid, "--find")); e.Counted || len(e.Late) != 1 || e.SettledBy != "2025-02" || len(e.LateLines) != 1 || e.First == nil || !e.First.Late || e.First.Partition != where {
		t.Errorf("late: %+v", e)
	}
	if e := decode[explained](t, s.ok("rollup", "explain", "--json", "--month", "2025-01", "--app", "app-001", "--guid", "nobody")); e.Counted || len(e.Did) != 0 {
		t.Errorf("nobody: %+v", e)
	}
	s.write("data/guid.key", strings.Repeat("0a", 16)+"\n")
	s.want(1, "rollup", "explain", "--month", "2025-01", "--app", "app-001", "--guid", guid).says(t, "GUID key")
}

// A count that was wrong from the start, with every hash right, is named too: with the log by its fact, without it by the digest.
func TestWrongCountIsNamed(t *testing.T) {
	t.Parallel()
	s := verifiedSite(t)
	const m = "2025-02"
	found, _ := filepath.Glob(s.path("data/state/*/*/2/sealed/" + m + "*"))
	if len(found) != 2 {
		t.Fatal(found)
	}
	data, index := found[0], found[1]
	if strings.HasSuffix(data, ".index") {
		data, index = index, data
	}
	b, err := os.ReadFile(data)
	if err != nil {
		t.Fatal(err)
	}
	at := 16
	for binary.LittleEndian.Uint32(b[at+4:]) != 2 { // the first rows
		at += 12 + int(binary.LittleEndian.Uint32(b[at:]))
	}
	end := at + 12 + int(binary.LittleEndian.Uint32(b[at:]))
	days := binary.LittleEndian.Uint32(b[end-4:])
	binary.LittleEndian.PutUint32(b[end-4:], days<<1&0x1ffffffe|days>>28&2) // a day too late
	table := crc32.MakeTable(crc32.Castagnoli)
	binary.LittleEndian.PutUint32(b[at+8:], crc32.Update(crc32.Checksum(b[at:at+8], table), table, b[at+12:end]))
	old, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(old, []byte("\n"))
	body := append(bytes.Clone(lines[0]), regexp.MustCompile(`"sha256":"[^"]*"`).ReplaceAll(lines[1], fmt.Appendf(nil, `"sha256":"sha256:%x"`, sha256.Sum256(b)))...)
	if err := errors.Join(os.WriteFile(data, b, 0o600), os.WriteFile(index, fmt.Appendf(body, "sha256:%x\n", sha256.Sum256(body)), 0o600)); err != nil {
		t.Fatal(err)
	}
	for check, args := range map[string][]string{"sealed facts": {"--month", m}, "digests": {"--month", m, "--from-sealed"}} {
		named := false
		v := s.verify(1, args...)
		for _, d := range v.Differences {
			named = named || d.What == check
		}
		if !named {
			t.Errorf("%s: %+v", check, v.Differences)
		}
	}
}

// Limits that bite, another zone and further types change nothing of that both counts agree.
func TestHonestMonthsVerifyUnderLimits(t *testing.T) {
	t.Parallel()
	s := newSite(t, verifyAccounts, map[string]string{
		"billing": "{time_zone: America/New_York}", "limits": "{apps_per_partition: 6, record_bytes: 380, quantity_sources: 2, devices_per_app: 90, devices_per_partition: 300}",
		"events": "{types: {session.start: login, component.scan: scan}}",
	})
	s.reporters(month.Reporters...)
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range []string{"2025-03", "2025-04"} {
		s.send(nil, generate(t, month.Config{
			Month: m, Zone: zone, Events: 15_000, Devices: 1500, Apps: 9, Seed: uint64(i + 7), Logins: 0.1, Components: 0.1, Reported: 0.05, SealKey: s.sealKey(), Odd: 0.2, Binary: 0.2,
		}))
		if r := s.run("rollup", "close", "--month", m); r.code > 1 {
			t.Fatalf("%s: %d\n%s", r.line, r.code, cut(r.stderr))
		}
	}
	for _, m := range []string{"2025-03", "2025-04"} {
		if r := s.run("rollup", "verify", "--month", m); r.code != 0 {
			t.Errorf("%s: exit code %d\n%s\n%s", r.line, r.code, cut(r.stdout), cut(r.stderr))
		}
	}
}
