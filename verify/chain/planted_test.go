package chain

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// planted are checks that a walk could leave out: a text of a file, and what stands there where it is left out. With ALIVE in it,
// which is true where the bug is to be seen, it takes the text's place; else both are conditions.
var planted = []struct{ what, file, right, wrong string }{
	{"a missing entry", "walk.go", `e.seq != seq+1`, `false`},
	{"the link to the entry before", "walk.go", `e.previous != hash`, `false`},
	{"the entry's hash", "walk.go", `e.hash != e.sum()`, `false`},
	{"a second beginning", "walk.go", `(e.seq == 1) != (e.kind == "ledger")`, `false`},
	{"the chain's first entry", "walk.go", `w.Entries == 0`, `false`},
	{"published heads", "walk.go", `len(missing) > 0`, `false`},
	{"places among an entry's rows", "walk.go", `i >= len(got), got[i][1].(int64) > int64(i)`, `i >= len(got), !ALIVE && got[i][1].(int64) > int64(i)`},
	{"rows too many", "walk.go", `max(len(want), len(got))`, `max(len(want), map[bool]int{false: len(got)}[ALIVE])`},
	{"every second column", "walk.go", `!is(got[i][j], want[i][j])`, `j%2 == 0 && !is(got[i][j], want[i][j])`},
	{"rows before the first entry", "walk.go", `"%[1]s < 1 OR `, `map[bool]string{false: "%[1]s < 1 OR "}[ALIVE]+"`},
	{"rows of no entry", "walk.go", `len(strays) == 0`, `true`},
	{"a table", "walk.go", `if d := compareTable(`, `if ALIVE && t == books { continue }; if d := compareTable(`},
	{"documents", "rows.go", `digest(b) == string(c)`, `c != ""`},
	{"bytes for text", "rows.go", `!bytes && stored == want`, `true`},
	{"the books' rows", "rows.go", `range slices.Sorted(maps.Keys(p.Books))`, `range slices.Sorted(maps.Keys(p.Books))[map[bool]int{true: len(p.Books)}[ALIVE]:]`},
	{"an invoice's lines", "invoice.go", "range x.Lines {\n\t\tr.add", "range x.Lines {\n\t\tif ALIVE { break }; r.add"},
	{"gaps between numbers", "number.go", `serial != s[series]+1`, `false`},
	{"what a number says", "number.go", `!of || err != nil || int64(n) != serial`, `!of`},
	{"series within series", "number.go", `strings.ContainsAny(series[len(series)-1:], "0123456789")`, `false`},
	{"triggers that are gone", "guards.go", `!ok {`, `!ok && ALIVE { continue }; if !ok {`},
	{"triggers that do nothing", "guards.go", `o.statement != "" && text != o.statement`, `false`},
	{"months in the hash", "entry.go", `e.kind, e.month, e.at, e.payload`, `e.kind, map[bool]string{false: e.month}[ALIVE], e.at, e.payload`},
	{"an import's order", "import.go", `e.seq != seq+1`, `false`},
	{"an import's links", "import.go", `e.previous != head`, `false`},
	{"an import's hashes", "import.go", `e.hash != e.sum()`, `false`},
	{"an import's documents", "import.go", `got != string(want)`, `false`},
	{"how many documents an import has", "import.go", `len(cells) != len(documents)`, `len(cells) > len(documents)`},
}

// TestPlantedBugs leaves checks out of the walk, one at a time: the other tests must notice each. All are built into one test
// program, and a number in its environment says which one is left out.
func TestPlantedBugs(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for i, b := range planted {
		text, ok := texts[b.file]
		if !ok {
			source, err := os.ReadFile(b.file)
			if err != nil {
				t.Fatal(err)
			}
			text = string(source)
		}
		if n := strings.Count(text, b.right); n != 1 {
			t.Fatalf("%s has %q %d times: the check has lost its place", b.file, b.right, n)
		}
		wrong := b.wrong
		if !strings.Contains(wrong, "ALIVE") {
			wrong = fmt.Sprintf("(!ALIVE && (%s) || ALIVE && (%s))", b.right, b.wrong)
		}
		texts[b.file] = strings.Replace(text, b.right, strings.ReplaceAll(wrong, "ALIVE", fmt.Sprintf(`(alive == "%d")`, i+1)), 1)
	}
	if testing.Short() {
		t.Skip("builds a test program")
	}
	texts["planted.go"] = "package chain\n\nimport \"os\"\n\nvar alive = os.Getenv(\"HEADCOUNT_PLANTED\")\n"
	folder := t.TempDir()
	overlay := map[string]map[string]string{"Replace": {}}
	for file, text := range texts {
		at := filepath.Join(folder, file)
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay["Replace"][filepath.Join(here, file)] = at
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "overlay.json"), list, 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(folder, "planted.test")
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-overlay", filepath.Join(folder, "overlay.json"), "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run := func(number int, tests string) (string, error) {
		cmd := exec.CommandContext(t.Context(), program, "-test.run", tests, "-test.short", "-test.failfast")
		cmd.Env = append(os.Environ(), fmt.Sprintf("HEADCOUNT_PLANTED=%d", number), "HEADCOUNT_POSTGRES=")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	const walks, imports = "^Test(BothRead|ForgedChain|Guards|Tamper)$", "^TestImport"
	for _, tests := range []string{walks, imports} {
		if out, err := run(0, tests); err != nil {
			t.Fatalf("without a bug: %v\n%s", err, out)
		}
	}
	for i, b := range planted {
		tests := walks
		if b.file == "import.go" {
			tests = imports
		}
		if out, err := run(i+1, tests); err == nil || !strings.Contains(out, "--- FAIL") {
			t.Errorf("without a look at %s nothing fails: %v\n%s", b.what, err, out)
		}
	}
}
