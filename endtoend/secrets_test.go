package endtoend

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mark is a device's or user's id that is looked for everywhere, in every form it could have.
type mark struct {
	id    string
	forms [][]byte
}

func newMark(id string, raw []byte) mark {
	m := mark{id: id}
	plain := strings.ReplaceAll(id, "-", "")
	for _, form := range []string{id, strings.ToUpper(id), plain, strings.ToUpper(plain)} {
		m.forms = append(m.forms, []byte(form))
	}
	for _, b := range [][]byte{raw, []byte(id)} {
		m.forms = append(m.forms, b, []byte(hex.EncodeToString(b)), []byte(base64.RawStdEncoding.EncodeToString(b)))
	}
	return m
}

func newMarks(n int) (uuids, opaque, users []mark) {
	for range n {
		raw := make([]byte, 16)
		rand.Read(raw)
		h := hex.EncodeToString(raw)
		uuids = append(uuids, newMark(h[:8]+"-"+h[8:12]+"-"+h[12:16]+"-"+h[16:20]+"-"+h[20:], raw))
		opaque = append(opaque, newMark("install-"+rand.Text(), nil))
		users = append(users, newMark("person-"+rand.Text(), nil))
	}
	return uuids, opaque, users
}

// marked names the mark that a text holds.
func marked(marks []mark, text []byte) (string, bool) {
	for _, m := range marks {
		for _, form := range m.forms {
			if len(form) > 0 && bytes.Contains(text, form) {
				return m.id, true
			}
		}
	}
	return "", false
}

// brokenWith are values that cannot be counted and hold an id.
func brokenWith(id string) []string {
	return []string{
		`{"type":"miniprogram.open","superapp":"one","subject":"` + id + `"`,
		`{"type":"miniprogram.open","superapp":"one","subject":"` + id + `","subject":"` + id + `"}`,
		`{"type":"miniprogram.open","superapp":"one","subject":"` + id + `","time":"` + id + `"}`,
		`{"type":"miniprogram.open","superapp":"one","subject":["` + id + `"]}`,
		`{"type":"miniprogram.open","superapp":"one","subject":"` + strings.Repeat("x", 128) + id + `"}`,
		`{"type":"miniprogram.open","subject":"` + id + `"}`,
		`{"type":7,"superapp":"one","subject":"` + id + `"}`,
		`{"type":"unknown.type","superapp":"one","subject":"` + id + `"}`,
		`{"type":"usage.reported","superapp":"one","subject":"` + id + `","meter":"storage","month":"` + id + `","source":"s","value":"` + id + `"}`,
		`{"type":"headcount.seal","superapp":"one","subject":"` + id + `","data":"` + id + `"}`,
		id + " \xff nonsense", `"` + id + `"`,
	}
}

// Ids of devices and users are in the log and the dead letters, and nowhere else: no file of state or ledger, no line that any
// command prints, whatever they came in.
func TestIdsAppearNowhere(t *testing.T) {
	t.Parallel()
	s := newSite(t, oneAccount, map[string]string{"billing": allOdd, "limits": "{devices_per_app: 20}"})
	uuids, opaque, users := newMarks(40)
	marks := append(append(append([]mark{}, uuids...), opaque...), users...)
	const at = "2025-03-05T10:00:00Z"
	var records []record
	for i := range uuids {
		id := uuids[i].id
		for _, spelling := range []string{id, strings.ToUpper(id), "{" + id + "}", "urn:uuid:" + id, strings.ReplaceAll(id, "-", "")} {
			records = append(records, event("miniprogram.open", "one", spelling, at))
		}
		records = append(records, event("minigame.search", "one", opaque[i].id, at), event("user.login", "one", users[i].id, at))
		for _, broken := range append(brokenWith(id), brokenWith(opaque[i].id)...) {
			r := event("miniprogram.open", "one", id, at)
			r.Value = []byte(broken)
			records = append(records, r)
		}
	}
	s.send(nil, records[:len(records)/2])
	file := s.file("marked.ndjson", records[len(records)/2:])
	s.want(1, "ingest", "load", "--strict", file)
	s.ok("ingest", "load", file)
	s.ok("ingest", "check")
	s.ok("ingest", "run", "--until-end")
	s.run("ingest", "recount", "--month", "2025-03")
	group := s.config["kafka"]
	s.config["kafka"] = strings.Replace(group, "group: g-", "group: other-", 1) // whose death nobody waits for
	s.configure()
	running := s.start("ingest", "run")
	s.send(nil, records[:100])
	s.waitFor("the counting", running.up)
	running.kill()
	s.config["kafka"] = group
	s.configure()
	for _, name := range s.checkpoints() {
		if strings.HasSuffix(name, ".manifest") {
			os.Truncate(name, 10)
		}
	}
	s.ok("ingest", "run", "--until-end")
	s.ok("rollup", "status", "--month", "2025-03")
	s.ok("rollup", "status", "--month", "2025-03", "--json")
	s.want(1, "rollup", "close", "--month", "2025-03")
	s.send(nil, records) // late, and settled with April
	s.run("rollup", "close", "--month", "2025-04", "--json")
	for _, args := range [][]string{
		{"usage"}, {"usage", "--json"}, {"usage", "--csv"}, {"invoices"}, {"invoices", "--json"}, {"invoices", "--csv"},
		{"invoices", "--html", "page.html"}, {"verify"}, {"verify", "--json"}, {"verify", "--from-sealed"},
		{"explain", "--app", "one", "--guid", uuids[0].id, "--find"}, {"explain", "--app", "one", "--guid", opaque[0].id, "--json", "--find"},
		{"explain", "--app", "one", "--guid", users[0].id}, {"release", "--account", "a", "--reason", "a test"},
	} {
		s.run(append([]string{"rollup", args[0], "--month", "2025-03"}, args[1:]...)...)
	}
	s.remove("data/state/*/*/1/sealed/2025-03-*.data") // and what is said of damage
	s.run("rollup", "verify", "--month", "2025-03")
	s.run("rollup", "verify", "--month", "2025-04")

	broker := s.broker
	s.stopBroker() // its files are read now
	seen := 0
	for _, p := range s.processes {
		for _, out := range [][]byte{p.stdout.Bytes(), p.stderr.Bytes()} {
			seen += len(out)
			if id, ok := marked(marks, out); ok && p != broker {
				t.Errorf("%s printed %s", p.line, id)
			}
		}
	}
	files, inLog := 0, false
	err := filepath.WalkDir(s.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || d.Name() == "marked.ndjson" {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		id, ok := marked(marks, text)
		if strings.Contains(name, "/data/kafka/") {
			inLog = inLog || ok
			return nil
		}
		files++
		if ok {
			t.Errorf("%s holds %s", name, id)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if kafkaAddr == "" && !inLog {
		t.Error("no id was found in the log either: the test is blind")
	}
	if files < 20 || seen < 10_000 {
		t.Errorf("%d files and %d bytes of output were looked at: too few to say anything", files, seen)
	}
	t.Logf("%d files, %d processes, %d bytes of output", files, len(s.processes), seen)
}

// A new key begins with a new month: what is open stays with its own, late devices of a closed month are still known, and no
// month has two populations.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	s := newSite(t, openAccount, nil)
	s.send(nil, devices(0, 40, "2025-03-10T10:00:00Z"))
	s.ok("ingest", "run", "--until-end")
	old, err := os.ReadFile(s.path("data/guid.key"))
	if err != nil {
		t.Fatal(err)
	}
	both := strings.TrimSpace(string(old)) + "\n" + "00112233445566778899aabbccddeeff\n"
	s.write("data/guid.key", both)
	s.send(nil, devices(20, 40, "2025-03-20T10:00:00Z")) // half of them known, under the key that March began with
	s.send(nil, devices(0, 50, "2025-04-10T10:00:00Z"))  // under the new one
	s.ok("ingest", "run", "--until-end")
	march := decode[usage](t, s.ok("rollup", "close", "--month", "2025-03", "--json"))
	if exact, events := mau(t, march); exact != 60 || events != 80 {
		t.Errorf("March: %d devices in %d events, want 60 in 80", exact, events)
	}
	s.send(nil, devices(50, 20, "2025-03-30T10:00:00Z")) // late: half of them known
	s.ok("ingest", "run", "--until-end")

	// Without the old key the late ones would be strangers; without the new one all of April.
	for _, keys := range []string{"00112233445566778899aabbccddeeff\n", string(old)} {
		s.write("data/guid.key", keys)
		s.send(nil, devices(50, 1, "2025-03-30T10:00:00Z"))
		s.want(2, "ingest", "run", "--until-end").says(t, "key")
		s.want(2, "rollup", "close", "--month", "2025-04").says(t, "key")
	}
	s.write("data/guid.key", both)
	april := decode[usage](t, s.ok("rollup", "close", "--month", "2025-04", "--json"))
	wantMAU(t, april, 50)
	if late := april.late("a1", "2025-03"); late != 10 {
		t.Errorf("%d devices of March late, want 10", late)
	}
	keyOf := map[string]string{}
	for _, m := range []string{"2025-03", "2025-04"} {
		s.ok("rollup", "verify", "--month", m)
		s.ok("rollup", "explain", "--month", m, "--app", "a1", "--guid", "device-7")
		rules, err := filepath.Glob(s.path("data/state/*/*/rules/" + m + ".json"))
		if err != nil || len(rules) != 1 {
			t.Fatal(err, rules)
		}
		text, err := os.ReadFile(rules[0])
		if err != nil {
			t.Fatal(err)
		}
		keyOf[m] = decode[struct {
			Key string `json:"key_id"`
		}](t, string(text)).Key
	}
	if keyOf["2025-03"] == keyOf["2025-04"] || keyOf["2025-03"] == "" {
		t.Errorf("keys of the months: %v", keyOf)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o700} {
		if err := os.Chmod(s.path("data/guid.key"), mode); err != nil {
			t.Fatal(err)
		}
		s.want(2, "ingest", "run", "--until-end").says(t, "guid.key", "0600")
	}
}
