package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var toolchain = regexp.MustCompile(`(?m)^toolchain (go\S+)$`)

// goRelease is the release that go.mod names, whatever runs.
func goRelease(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	m := toolchain.FindSubmatch(b)
	if m == nil {
		return "", fmt.Errorf("%s has no toolchain line", file)
	}
	return string(m[1]), nil
}

// standardLibrary is what the Go distribution brings. Its licence is one file; the notices of what it took from others stand in its
// source files alone.
func standardLibrary(release string) (part, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return part{}, fmt.Errorf("go env: %w", err)
	}
	root := strings.TrimSpace(string(out))
	p := part{name: "Go standard library and runtime", version: release,
		about: "With the parts of golang.org/x that it brings, under the same licence. Files of it hold notices of their own, which follow."}
	for _, name := range []string{"LICENSE", "PATENTS"} {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return part{}, err
		}
		p.texts = append(p.texts, text{name: name, content: string(b)})
	}
	packages, err := linked()
	if err != nil {
		return part{}, err
	}
	files := map[string][]string{} // by what their notice says
	for _, l := range packages {
		if !l.Standard {
			continue
		}
		for _, name := range l.files() {
			b, err := os.ReadFile(filepath.Join(l.Dir, name))
			if err != nil {
				return part{}, err
			}
			for _, n := range notices(string(b)) {
				if at := l.ImportPath + "/" + name; !slices.Contains(files[n], at) {
					files[n] = append(files[n], at)
				}
			}
		}
	}
	for n, of := range files {
		slices.Sort(of)
		p.texts = append(p.texts, text{strings.Join(of, ", "), n, true})
	}
	slices.SortStableFunc(p.texts[2:], func(a, b text) int { return strings.Compare(a.name, b.name) })
	return p, nil
}

var (
	claim = regexp.MustCompile(`(?i)copyright (\(c\)|©|[0-9]{4})|public domain`)
	ours  = regexp.MustCompile(`(?i)copyright (\(c\) )?[0-9]{4}(-[0-9]{4})? the go authors`)
)

// notices returns what comments say from the paragraph on that claims a right, or gives one up, of others than the Go authors: up to
// two empty lines or the comment's end.
func notices(source string) []string {
	var found []string
	var lines []string
	end := func() {
		block := strings.Join(lines, "\n")
		lines = nil
		if at := claim.FindStringIndex(ours.ReplaceAllString(block, "")); at == nil {
			return
		}
		var kept []string
		taking := false
		for _, paragraph := range strings.Split(block, "\n\n") {
			if taking && strings.HasPrefix(paragraph, "\n") { // two empty lines: what follows is about something else
				break
			}
			taking = taking || claim.MatchString(ours.ReplaceAllString(paragraph, ""))
			if taking {
				kept = append(kept, paragraph)
			}
		}
		found = append(found, strings.Trim(strings.Join(kept, "\n\n"), "\n"))
	}
	for line := range strings.Lines(source) {
		line = strings.TrimRight(line, " \t\r\n")
		comment, ok := strings.CutPrefix(strings.TrimLeft(line, " \t"), "//")
		if !ok {
			end()
			continue
		}
		lines = append(lines, strings.TrimRight(comment, " \t"))
	}
	end()
	return found
}
