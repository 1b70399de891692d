package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// platforms are those that the programs are built for.
var platforms = []string{"amd64", "arm64"} // of Linux

// listed is what go list says of a package.
type listed struct {
	ImportPath, Dir string
	Standard        bool
	GoFiles, SFiles []string
	Module          *struct{ Path, Version, Dir string }
}

func (p *listed) files() []string { return slices.Concat(p.GoFiles, p.SFiles) }

// linked lists the packages in the programs, of every platform.
func linked() ([]listed, error) {
	var all []listed
	for _, arch := range platforms {
		c := exec.Command("go", "list", "-deps", "-json=ImportPath,Dir,Standard,GoFiles,SFiles,Module", "./cmd/ingest", "./cmd/rollup")
		c.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0", "GOFLAGS=")
		c.Stderr = os.Stderr
		out, err := c.Output()
		if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		for d := json.NewDecoder(strings.NewReader(string(out))); ; {
			var p listed
			if err := d.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, fmt.Errorf("go list: %w", err)
			}
			all = append(all, p)
		}
	}
	return all, nil
}

// legal are the names of files that hold licences and notices.
var legal = regexp.MustCompile(`(?i)^(un)?(licen[sc]e|notices?|copying|copyright|patents)([-._].*)?$`)

// linkedModules returns the modules that packages are linked of, by name, with what lies in their root and in every folder on the way
// to such a package.
func linkedModules() ([]part, error) {
	packages, err := linked()
	if err != nil {
		return nil, err
	}
	found := map[string]*part{}
	have := map[string]bool{}
	for _, p := range packages {
		if p.Module == nil || p.Module.Version == "" {
			continue
		}
		m := found[p.Module.Path]
		if m == nil {
			m = &part{name: p.Module.Path, version: p.Module.Version}
			found[p.Module.Path] = m
		}
		relative, err := filepath.Rel(p.Module.Dir, p.Dir)
		if err != nil {
			return nil, err
		}
		for folder := filepath.ToSlash(relative); ; folder = path.Dir(folder) {
			if !have[m.name+" "+folder] {
				have[m.name+" "+folder] = true
				if err := m.read(p.Module.Dir, folder); err != nil {
					return nil, err
				}
			}
			if folder == "." {
				break
			}
		}
	}
	var all []part
	for _, m := range found {
		if len(m.texts) == 0 {
			return nil, fmt.Errorf("%s %s has no licence file: find out whether it may be used at all", m.name, m.version)
		}
		slices.SortFunc(m.texts, func(a, b text) int { return strings.Compare(a.name, b.name) })
		all = append(all, *m)
	}
	slices.SortFunc(all, func(a, b part) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

// read takes the licence files of a folder.
func (p *part) read(root, folder string) error {
	entries, err := os.ReadDir(filepath.Join(root, folder))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() || !legal.MatchString(e.Name()) || strings.HasSuffix(e.Name(), ".go") {
			continue
		}
		content, err := os.ReadFile(filepath.Join(root, folder, e.Name()))
		if err != nil {
			return err
		}
		p.texts = append(p.texts, text{name: path.Join(folder, e.Name()), content: string(content)})
	}
	return nil
}

// read by people: texts that are no licence of the SPDX list word by word. An empty one adds nothing to the list.
var read = map[string]string{
	"PATENTS":                "",
	"NOTICE.txt":             "",
	"LICENSE-SQLITE":         "blessing",
	"LICENSE-LOGO":           "", // of a picture that is not linked
	"NOTICE":                 "", // of Apache-2.0: what is to be carried along
	"Unicode License v3":     "Unicode-3.0",
	"LICENSE of its release": "LicenseRef-public-domain",
}

// terms are phrases of notices in source files that are no licence word by word.
var terms = []struct{ phrase, id string }{
	{"freely granted, provided that this notice", "SunPro"},
	{"Cephes", "LicenseRef-Cephes"},
	{"public domain", "LicenseRef-public-domain"},
}

// licences is an SPDX expression of all that is recognized in the texts.
func (p *part) licences() (string, error) {
	var all []string
	for _, t := range p.texts {
		ids, err := t.licences()
		if err != nil {
			return "", fmt.Errorf("%s: %w", p.name, err)
		}
		all = append(all, ids...)
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " AND "), nil
}

func (t *text) licences() (ids []string, err error) {
	if id, ok := read[path.Base(t.name)]; ok {
		if id == "" {
			return nil, nil
		}
		return []string{id}, nil
	}
	for _, m := range licensecheck.Scan([]byte(t.content)).Match {
		ids = append(ids, m.ID)
	}
	if len(ids) > 0 {
		return ids, nil
	}
	if t.notice {
		for _, x := range terms {
			if strings.Contains(strings.Join(strings.Fields(t.content), " "), x.phrase) {
				return []string{x.id}, nil
			}
		}
	}
	return nil, fmt.Errorf("%s is no licence that is known: read it, and name it in deploy/notices/modules.go", t.name)
}
