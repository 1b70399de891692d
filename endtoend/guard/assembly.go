package guard

import (
	"bufio"
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Routine is a routine in assembly.
type Routine struct {
	Name  string    // as TEXT has it
	Runs  bool      // here: what the product itself asks before it calls the routine
	Needs []Feature // all of them
}

// Feature is one that a processor may have, by the name that GODEBUG=cpu.NAME=off takes.
type Feature struct {
	Name string
	Has  bool
}

// AllEnv is the variable that, set to "all", makes a routine that does not run here a failure: for machines that are known to run
// them all.
const AllEnv = "HEADCOUNT_ASSEMBLY"

// Assembly says in the test's log which of the package's routines run on this machine, and what others lack: a test of those holds
// nothing against the plain code here, and passes all the same. It fails where the package's folder has a routine that is not
// among these, or in a file that a build with the tag purego takes. A build without assembly has no routines.
func Assembly(t *testing.T, routines []Routine) {
	t.Helper()
	there := assembled(t)
	if routines == nil {
		t.Logf("NONE of %d assembly routines is in this build: the tests try the plain code alone", len(there))
		return
	}
	for _, r := range routines {
		var needs, lacks []string
		for _, f := range r.Needs {
			needs = append(needs, f.Name)
			if !f.Has {
				lacks = append(lacks, f.Name)
			}
		}
		switch {
		case !slices.Contains(there, r.Name):
			t.Errorf("%s stands in no .s file of this folder", r.Name)
		case r.Runs != (lacks == nil):
			t.Errorf("%s runs here: %t; of %v the processor lacks %v", r.Name, r.Runs, needs, lacks)
		case r.Runs:
			t.Logf("%s runs here, by %s", r.Name, strings.Join(needs, " "))
		default:
			say := t.Logf
			if os.Getenv(AllEnv) == "all" {
				say = t.Errorf
			}
			say("NOT TESTED: %s does not run here, for the processor lacks %s; the plain code does", r.Name, strings.Join(lacks, " "))
		}
		there = slices.DeleteFunc(there, func(name string) bool { return name == r.Name })
	}
	for _, name := range there {
		t.Errorf("%s is not among the routines of TestAssembly", name)
	}
}

// assembled returns the names of the routines in the folder's .s files.
func assembled(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("*.s")
	if err != nil || len(files) == 0 {
		t.Fatalf("no assembly in this folder: %v", err)
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		tagged := false
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			tagged = tagged || lines.Text() == "//go:build !purego"
			if rest, found := strings.CutPrefix(lines.Text(), "TEXT ·"); found {
				name, _, _ := strings.Cut(rest, "(")
				names = append(names, name)
			}
		}
		if err := cmp.Or(lines.Err(), f.Close()); err != nil {
			t.Fatal(err)
		}
		if !tagged {
			t.Errorf("%s is not left out of builds with the tag purego", file)
		}
	}
	return names
}
