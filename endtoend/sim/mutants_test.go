package sim

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"headcount/endtoend/sim/mutant"
)

var (
	hunt   = flag.Int("hunt", 0, "look for each bug that is put in on purpose, within so many seeds; 0: do not")
	only   = flag.String("only", "", "of those, the ones whose name has this in it")
	active = flag.Int("active", 0, "in a binary with the bugs: the one that is on")
)

// TestMutants builds a test binary with all bugs of package mutant and has it look for each.
func TestMutants(t *testing.T) {
	overlay := writeOverlay(t) // also without a hunt: every bug must still have its place
	if *hunt == 0 {
		return
	}
	binary := filepath.Join(t.TempDir(), "mutants.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", binary, "headcount/endtoend/sim")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build with the bugs: %v\n%s", err, out)
	}
	if seed, text := find(t, binary, 0, 200); seed != 0 {
		t.Fatalf("seed %d fails without a bug: %s", seed, text)
	}
	var table strings.Builder
	found := 0
	began := time.Now()
	for i, bug := range mutant.Bugs {
		if !strings.Contains(bug.Name, *only) {
			continue
		}
		seed, text := find(t, binary, i+1, *hunt)
		if seed == 0 {
			t.Errorf("bug %d is not found within %d seeds: %s %s", i+1, *hunt, bug.Name, text)
			fmt.Fprintf(&table, "%2d  %-70s not found\n", i+1, bug.Name)
			continue
		}
		found++
		fmt.Fprintf(&table, "%2d  %-70s %6d  %s\n", i+1, bug.Name, seed, text)
	}
	t.Logf("%d of %d bugs found in %.0f s, the seeds it took, and what was wrong:\n%s", found, len(mutant.Bugs), time.Since(began).Seconds(), &table)
}

var (
	failing = regexp.MustCompile(`seed (\d+): (?:at \S+ step \d+: )?([^\n]*(?:\n\t[^\n]*)?)`)
)

// find returns the first seed that fails, and how; 0: none does.
func find(t *testing.T, binary string, bug, seeds int) (int, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, "-test.run", "^TestSimulation$", "-test.timeout", "3000s", "-seeds", strconv.Itoa(seeds), "-active", strconv.Itoa(bug))
	out, err := cmd.CombinedOutput()
	if err == nil {
		return 0, ""
	}
	found := failing.FindAllSubmatch(out, -1)
	if len(found) == 0 {
		return 0, "(it ended without naming a seed: " + err.Error() + ")"
	}
	var all []int
	text := map[int]string{}
	for _, m := range found {
		n, _ := strconv.Atoi(string(m[1]))
		all = append(all, n)
		text[n] = strings.Join(strings.Fields(string(m[2])), " ")
	}
	first := slices.Min(all)
	what := []rune(text[first])
	return first, string(what[:min(len(what), 110)])
}

// writeOverlay puts the bugs into copies of their files, and returns the file that has the go command take those.
func writeOverlay(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	changed := map[string]string{}
	for i, bug := range mutant.Bugs {
		text, ok := changed[bug.File]
		if !ok {
			b, err := os.ReadFile(filepath.Join(root, bug.File))
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
			clause := regexp.MustCompile(`(?m)^package \w+$`).FindString(text)
			text = strings.Replace(text, clause, clause+"\n\nimport \"headcount/endtoend/sim/mutant\"", 1)
		}
		if n := strings.Count(text, bug.Old); n != 1 {
			t.Errorf("bug %d (%s): what it changes is %d times in %s, want once: write it anew:\n%s", i+1, bug.Name, n, bug.File, bug.Old)
		}
		changed[bug.File] = strings.Replace(text, bug.Old, strings.ReplaceAll(bug.New, "MUTANT", fmt.Sprintf("(mutant.Active == %d)", i+1)), 1)
	}
	if t.Failed() {
		t.FailNow()
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for file, text := range changed {
		path := filepath.Join(folder, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[filepath.Join(root, file)] = path
	}
	b, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
