package endtoend

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocumentsNameWhatIsThere: a path or a file of Go that a document names is in the tree.
func TestDocumentsNameWhatIsThere(t *testing.T) {
	there := map[string]bool{} // paths, and base names of files
	top := map[string]bool{}
	err := filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel("..", file)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(relative)
		if d.IsDir() && name != "." && strings.HasPrefix(d.Name(), ".") && name != ".ci" {
			return filepath.SkipDir
		}
		there[name], there[path.Base(name)] = true, true
		if d.IsDir() && !strings.Contains(name, "/") {
			top[name] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	quoted := regexp.MustCompile("`[^`\n]+`")
	named := regexp.MustCompile(`^(\.\./)*[a-z.][a-z0-9_.-]*(/[A-Za-z0-9_.-]+)*/?$`)
	found := 0
	for _, doc := range []string{"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "RELIABILITY.md", "AUDIT.md", "CHANGELOG.md", "bench/README.md"} {
		text, err := os.ReadFile(filepath.Join("..", doc))
		if err != nil {
			t.Fatal(err)
		}
		for _, words := range quoted.FindAllString(string(text), -1) {
			word := strings.TrimPrefix(strings.Trim(words, "`"), "./")
			if !named.MatchString(word) || strings.Contains(word, "NAME") { // NAME stands for one
				continue
			}
			name := strings.TrimSuffix(strings.TrimPrefix(word, "../"), "/")
			first, _, deep := strings.Cut(name, "/")
			if !strings.HasSuffix(name, ".go") && !(deep && top[first]) {
				continue // a word, a command, a file of the reader's
			}
			found++
			if !there[name] && !there[path.Join(path.Dir(doc), name)] {
				t.Errorf("%s names `%s`, which is not there", doc, word)
			}
		}
	}
	if found < 50 {
		t.Errorf("only %d names were found", found)
	}
}
