package verify

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestSharesNoCode: what verifies must not use what it verifies, nor what that decodes, counts and rates with. There is no exception:
// of the ledger's schema too, tables and triggers are written down anew (chain/schema.go).
func TestSharesNoCode(t *testing.T) {
	folders := map[string]int{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		folders[filepath.Dir(name)]++
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range f.Imports {
			path, _ := strconv.Unquote(i.Path.Value)
			ours := path == "headcount" || strings.HasPrefix(path, "headcount/")
			if ours && !strings.HasPrefix(path, "headcount/verify/") || path == "github.com/shopspring/decimal" || path == "encoding/json" {
				t.Errorf("%s imports %s", name, path)
			}
			if ours && (filepath.Dir(name) == "chain" || filepath.Dir(name) == "reprice") {
				t.Errorf("%s imports %s: it needs none of them", name, path)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{".", "chain", "recount", "reprice", "report"} {
		if folders[folder] == 0 {
			t.Errorf("no file of %s was looked at", folder)
		}
	}
}
