package endtoend

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// packed is a file of an archive.
type packed struct {
	name string
	text []byte
}

func unpack(t *testing.T, path string) (files []packed) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, packed{h.Name, text})
	}
}

// pack writes an archive, with a manifest that fits where the files have none.
func pack(t *testing.T, path string, files []packed, manifest bool) {
	t.Helper()
	if manifest {
		var m struct {
			Version int              `json:"version"`
			Month   string           `json:"month"`
			Account string           `json:"account,omitempty"`
			Files   []map[string]any `json:"files"`
		}
		if err := json.Unmarshal(files[0].text, &m); err != nil {
			t.Fatal(err)
		}
		m.Files = nil
		for _, f := range files[1:] {
			m.Files = append(m.Files, map[string]any{"name": f.name, "size": len(f.text), "sha256": fmt.Sprintf("%x", sha256.Sum256(f.text))})
		}
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		files = append([]packed{{files[0].name, text}}, files[1:]...)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Size: int64(len(f.text)), Mode: 0o644, Typeflag: tar.TypeReg, Format: tar.FormatGNU}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// elsewhere runs a command in an empty folder: no configuration, no state, no broker.
func (s *site) elsewhere(args ...string) result {
	s.Helper()
	other := &site{T: s.T, dir: s.TempDir()}
	return other.run(args...)
}

// A month is exported the same each time, without a secret, and verified elsewhere from the archive alone; whatever is changed
// in it is named, and what is no archive is refused.
func TestExport(t *testing.T) {
	t.Parallel()
	s := verifiedSite(t)
	const m = "2025-02"
	for _, month := range []string{"2025-01", m, "2025-03"} {
		s.ok("rollup", "export", "--month", month)
		if r := s.elsewhere("rollup", "verify", "--month", month, "--from", s.path("headcount-"+month+".tar")); r.code != 0 {
			t.Errorf("%s: %d\n%s\n%s", r.line, r.code, cut(r.stdout), cut(r.stderr))
		}
	}
	first := s.path("headcount-" + m + ".tar")
	s.want(2, "rollup", "export", "--month", m).says(t, "is there already")
	s.want(1, "rollup", "export", "--month", "2025-09", "--out", "x.tar").says(t, "not closed")
	s.ok("rollup", "export", "--month", m, "--out", "again.tar")
	a, err := os.ReadFile(first)
	b, err2 := os.ReadFile(s.path("again.tar"))
	if err := errors.Join(err, err2); err != nil || !bytes.Equal(a, b) {
		t.Errorf("exported twice it differs, %v", err)
	}
	for _, file := range []string{"data/guid.key", "data/seal.key"} {
		secret, err := os.ReadFile(s.path(file))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Fields(string(secret)) {
			if len(line) > 20 && bytes.Contains(a, []byte(line)) {
				t.Errorf("the archive holds %s", file)
			}
		}
	}
	for _, r := range verifiedRecords(t, 1, m)[:500] {
		if len(r.Key) > 20 && bytes.Contains(a, r.Key) {
			t.Errorf("the archive holds a GUID, %s", r.Key)
		}
	}

	files := unpack(t, first)
	try := func(what string, changed []packed, manifest bool, check, place string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "a.tar")
		pack(t, path, changed, manifest)
		r := s.elsewhere("rollup", "verify", "--json", "--month", m, "--from", path)
		if r.code != 1 {
			t.Errorf("%s: exit code %d\n%s", what, r.code, cut(r.stderr))
			return
		}
		if check == "" {
			if !strings.Contains(r.stderr, place) {
				t.Errorf("%s: %s", what, cut(r.stderr))
			}
			return
		}
		v, named := decode[verified](t, r.stdout), false
		for _, d := range v.Differences {
			named = named || d.What == check && strings.Contains(d.Place, place)
		}
		if !named {
			t.Errorf("%s: is not named: %+v", what, v.Differences)
		}
	}
	with := func(i int, change func([]byte) []byte) []packed {
		all := append([]packed{}, files...)
		all[i].text = change(bytes.Clone(all[i].text))
		return all
	}
	seen := map[string]bool{}
	for i, f := range files[1:] {
		class := regexp.MustCompile(`[0-9a-f]{16,}|\d+|tc\w+|chat|im\b|mpaas`).ReplaceAllString(f.name, "N")
		if seen[class] { // a partition, a book is like another
			continue
		}
		seen[class] = true
		flip := func(b []byte) []byte { b[len(b)/2] ^= 1; return b }
		if strings.Contains(f.name, "rules/topic") {
			flip = func(b []byte) []byte { return bytes.Replace(b, []byte(`"skew_ms":`), []byte(`"skew_ms":1`), 1) }
		}
		try("a byte of "+f.name, with(i+1, flip), false, "archive", f.name)
		if f.name == "ledger.jsonl" || strings.HasSuffix(f.name, "topic.json") {
			continue
		}
		try("without "+f.name, append(append([]packed{}, files[:i+1]...), files[i+2:]...), false, "archive", f.name)
	}
	at := func(name string) int {
		for i, f := range files {
			if strings.Contains(f.name, name) {
				return i
			}
		}
		t.Fatal(name)
		return 0
	}
	replace := func(old, new string) func([]byte) []byte {
		return func(b []byte) []byte {
			if !bytes.Contains(b, []byte(old)) {
				t.Fatalf("no %s", old)
			}
			return bytes.Replace(b, []byte(old), []byte(new), 1)
		}
	}
	// A forger who makes the manifest fit.
	try("accounts, with the manifest", with(at("closing/accounts"), replace(`"10"`, `"11"`)), true, "archive", "closing/accounts.yaml")
	try("usage, with the manifest", with(at("usage.json"), replace(`"events":`, `"events":1`)), true, "archive", "usage.json")
	try("closed record, with the manifest", with(at("closed/"+m), replace(`"apps":`, `"apps":1`)), true, "archive", "closed/"+m)
	try("rules, with the manifest", with(at("rules/"+m), replace(`"miniprogram.search":"search"`, `"miniprogram.search":"open"`)), true, "rules", "rules/"+m)
	try("ledger, with the manifest", with(at("ledger.jsonl"), replace(`"events\":`, `"events\":1`)), true, "ledger chain", "ledger.jsonl")
	try("another public key, with the manifest", with(at("seal.pub"), func([]byte) []byte { return []byte(publicKeyPEM(t)) }), true, "keys", "seal_key")
	try("a file more", append(append([]packed{}, files...), packed{"state/more", nil}), false, "archive", "state/more")
	try("the ledger written anew", with(at("ledger.jsonl"), func(b []byte) []byte { return rechained(t, b, m) }), true, "closed records", "ledger_head")
	// What is no archive.
	try("a path out of it", append(append([]packed{}, files...), packed{"../etc/passwd", nil}), false, "", "no export writes such a name")
	try("an absolute path", append(append([]packed{}, files...), packed{"/etc/passwd", nil}), false, "", "no export writes such a name")
	try("a file twice", append(append([]packed{}, files...), files[2]), false, "", "twice")
	try("no manifest", files[1:], false, "", "manifest.json")
	raw := func(what string, text []byte, words string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "a.tar")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if r := s.elsewhere("rollup", "verify", "--month", m, "--from", path); r.code != 1 || !strings.Contains(r.stderr, words) {
			t.Errorf("%s: %d, %s", what, r.code, cut(r.stderr))
		}
	}
	raw("cut", a[:len(a)/2], "")
	raw("nothing", nil, "manifest.json")
	raw("noise", bytes.Repeat([]byte("noise "), 1000), "archive")
	for _, h := range []tar.Header{
		{Name: "state/link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
		{Name: "state/dir/", Typeflag: tar.TypeDir},
		{Name: "state/pax", Typeflag: tar.TypeReg, Format: tar.FormatPAX, PAXRecords: map[string]string{"HEADCOUNT.x": "1"}},
	} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		if err := errors.Join(w.WriteHeader(&h), w.Close()); err != nil {
			t.Fatal(err)
		}
		raw(h.Name, b.Bytes(), "no plain file")
	}
	var big bytes.Buffer
	if err := tar.NewWriter(&big).WriteHeader(&tar.Header{Name: "manifest.json", Size: 1 << 40, Typeflag: tar.TypeReg, Format: tar.FormatGNU}); err != nil {
		t.Fatal(err)
	}
	raw("a size that is not there", big.Bytes(), "more than are left")
	s.want(2, "rollup", "verify", "--month", "2025-01", "--from", first).says(t, "is of month "+m)
	s.want(2, "rollup", "verify", "--month", m, "--from", "none.tar").says(t, "none.tar")
}

// rechained rewrites a ledger's lines: one number of the month's result is another, and all hashes after it fit.
func rechained(t *testing.T, lines []byte, month string) []byte {
	t.Helper()
	var out bytes.Buffer
	previous := ""
	for _, line := range strings.SplitAfter(strings.TrimSuffix(string(lines), "\n"), "\n") {
		var e struct {
			Seq       int64             `json:"seq"`
			Kind      string            `json:"kind"`
			Month     string            `json:"month"`
			At        string            `json:"at"`
			Payload   string            `json:"payload"`
			Previous  string            `json:"previous"`
			Hash      string            `json:"hash"`
			Documents []json.RawMessage `json:"documents,omitempty"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Kind == "invoice" && e.Month == month && strings.Contains(e.Payload, `"acme"`) {
			var old string
			if err := json.Unmarshal(e.Documents[0], &old); err != nil {
				t.Fatal(err)
			}
			changed := strings.Replace(old, `"status":"final"`, `"status":"held","reason":"x"`, 1)
			e.Payload = strings.Replace(e.Payload, fmt.Sprintf("%x", sha256.Sum256([]byte(old))), fmt.Sprintf("%x", sha256.Sum256([]byte(changed))), 1)
			e.Documents[0], _ = json.Marshal(changed)
		}
		if previous != "" {
			e.Previous = previous
		}
		e.Hash = fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "headcount ledger entry 1\n%s\n%d\n%s\n%s\n%s\n%s", e.Previous, e.Seq, e.Kind, e.Month, e.At, e.Payload)))
		previous = e.Hash
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(text, '\n'))
	}
	if bytes.Equal(out.Bytes(), lines) {
		t.Fatal("nothing was changed")
	}
	return out.Bytes()
}
