package endtoend

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// spelledOut is what only the programs know: flags, commands, settings and the configuration's file.
var spelledOut = regexp.MustCompile("--[a-z]|headcount\\.yaml|\\b(kafka|billing)\\.[a-z]|\\b(ingest|rollup) " +
	"(init|run|load|check|broker|recount|status|close|usage|invoices|verify|explain|rate|release|plans|amend|compare|export|subscription)\\b")

// TestLibrariesSpellNothingOut holds that no text outside the commands names a flag, a command or a setting: a library says what is
// wrong and what helps, and cmd/site what that is called. Tools of deploy and tests, which are no libraries, may.
func TestLibrariesSpellNothingOut(t *testing.T) {
	root := ".."
	texts := 0
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && file != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "objecttest" || relative == "cmd" || relative == "deploy" || relative == "endtoend" || relative == "bench"):
			return filepath.SkipDir
		case !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		files := token.NewFileSet()
		f, err := parser.ParseFile(files, file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			text, ok := n.(*ast.BasicLit)
			if !ok || text.Kind != token.STRING {
				return true
			}
			texts++
			s, err := strconv.Unquote(text.Value)
			if err != nil {
				t.Fatal(err)
			}
			if found := spelledOut.FindString(s); found != "" {
				t.Errorf("%s:%d says %q: give the error a type or a sentinel, and its remedy a spelling in cmd/site/spelling.go", relative, files.Position(text.Pos()).Line, found)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if texts < 3000 {
		t.Errorf("only %d texts were looked at", texts)
	}
	for _, s := range []string{"accept the loss with --accept-gap", "`ingest run` goes on", "finish it with rollup close", "set kafka.group", "billing.grace has not passed"} {
		if !spelledOut.MatchString(s) {
			t.Errorf("%q would be taken", s)
		}
	}
}
