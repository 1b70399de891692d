package verify

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestSharesNoCode: what verifies must not use what it verifies. The ledger's rows and its chain are read by their own package.
func TestSharesNoCode(t *testing.T) {
	own := []string{"headcount/rating/ledger", "headcount/verify/reprice"}
	for dir, may := range map[string]bool{".": true, "reprice": false} { // whether a folder may import own
		names, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %v, %v", dir, names, err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range f.Imports {
				path, _ := strconv.Unquote(i.Path.Value)
				ours := path == "headcount" || strings.HasPrefix(path, "headcount/")
				if ours && (!may || !slices.Contains(own, path)) || path == "github.com/shopspring/decimal" || path == "encoding/json" {
					t.Errorf("%s imports %s", name, path)
				}
			}
		}
	}
}
