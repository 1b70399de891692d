// Package catalog holds the price books that come with the program, and reads others from a folder.
//
// A book is one YAML file. The files here are the language's reference: each rule that a vendor's page leaves open is a named
// field with a comment. A book of one's own goes into a folder with its copies of those wanted from here; nothing else is
// needed.
package catalog

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"headcount/rating"
)

//go:embed *.yaml
var files embed.FS

// Builtin returns the books that come with the program.
func Builtin() (*rating.Catalog, error) {
	c, err := read(files)
	if err != nil {
		return nil, fmt.Errorf("built-in catalog: %w", err)
	}
	return c, nil
}

// Load returns the books of a folder, all its .yaml files, and none of the built-in ones; with an empty path, Builtin.
func Load(dir string) (*rating.Catalog, error) {
	if dir == "" {
		return Builtin()
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("catalog: %w: want a folder of price books, or leave catalog empty for the built-in ones", err)
	}
	c, err := read(os.DirFS(dir))
	if err != nil {
		return nil, fmt.Errorf("catalog %s: %w", filepath.Clean(dir), err)
	}
	return c, nil
}

func read(f fs.FS) (*rating.Catalog, error) {
	entries, err := fs.ReadDir(f, ".")
	if err != nil {
		return nil, err
	}
	docs := make(map[string][]byte)
	for _, e := range entries {
		if e.IsDir() || !strings.HasSuffix(e.Name(), ".yaml") {
			continue
		}
		if docs[e.Name()], err = fs.ReadFile(f, e.Name()); err != nil {
			return nil, err
		}
	}
	return rating.ParseCatalog(docs)
}
