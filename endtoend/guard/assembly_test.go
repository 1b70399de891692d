package guard

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryPackageTells: where there is assembly, a test says which of it runs.
func TestEveryPackageTells(t *testing.T) {
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; root != filepath.Dir(root); root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
	}
	folders := map[string]bool{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".s") {
			folders[filepath.Dir(path)] = true
		}
		return err
	})
	if err != nil || len(folders) == 0 {
		t.Fatalf("%d folders with assembly: %v", len(folders), err)
	}
	for folder := range folders {
		text, err := os.ReadFile(filepath.Join(folder, "assembly_test.go"))
		if err != nil || !strings.Contains(string(text), "\tguard.Assembly(t, routines)\n") {
			t.Errorf("%s has assembly, and no assembly_test.go that says which of it runs: %v", folder, err)
		}
	}
}
