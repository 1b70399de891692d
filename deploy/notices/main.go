// Command notices makes THIRD_PARTY_NOTICES: what others wrote of the two programs, by which version, under which licence, with the
// texts as they ship them.
//
//	modules.go  the modules that are linked, and their licence files
//	source.go   notices that the Go distribution has in its source files alone
//	own.go      data that no module brings
//
// The output depends on go.mod, the modules and the Go release alone. Where a text is no licence that is known, it fails: somebody has
// to read it first.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

func main() {
	out := flag.String("o", "THIRD_PARTY_NOTICES", "the `FILE` to write")
	check := flag.Bool("check", false, "write nothing; fail where the file is not what would be written")
	flag.Parse()
	if err := run(*out, *check); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

func run(file string, check bool) error {
	all, err := gather()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := write(&b, all); err != nil {
		return err
	}
	if !check {
		return os.WriteFile(file, b.Bytes(), 0o644)
	}
	was, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%w: make notices", err)
	}
	if !bytes.Equal(was, b.Bytes()) {
		return fmt.Errorf("%s is not of what is linked today: make notices", file)
	}
	return nil
}

// part is something that others wrote.
type part struct {
	name, version string
	about         string // empty, or a sentence before the texts
	texts         []text // in the order in which they are printed
}

// text is a licence or a notice.
type text struct {
	name    string
	content string
	notice  bool // out of a source file
}

func gather() ([]part, error) {
	release, err := goRelease("go.mod")
	if err != nil {
		return nil, err
	}
	standard, err := standardLibrary(release)
	if err != nil {
		return nil, err
	}
	modules, err := linkedModules()
	if err != nil {
		return nil, err
	}
	return slices.Concat([]part{standard}, data, modules), nil
}

const head = `Third-party notices

Headcount is licensed under Apache-2.0 (LICENSE). Its two programs, ingest and rollup, also hold what is listed here, each under its
own terms, which follow in full; the list says what is recognized in them. Tests and benchmarks use more, which is in no program.
The price books hold facts of public price lists, which each of them names. Made by "make notices".

`

const rule = "================================================================================\n"

func write(w io.Writer, all []part) error {
	var b strings.Builder
	b.WriteString(head)
	for _, p := range all {
		l, err := p.licences()
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%-44s %-40s %s\n", p.name, p.version, l)
	}
	for _, p := range all {
		fmt.Fprintf(&b, "\n%s%s %s\n", rule, p.name, p.version)
		if p.about != "" {
			fmt.Fprintf(&b, "%s\n", p.about)
		}
		for _, t := range p.texts {
			fmt.Fprintf(&b, "%s--- %s\n\n%s\n", rule, t.name, strings.TrimRight(strings.ReplaceAll(t.content, "\r\n", "\n"), "\n"))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
