package verify

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"headcount/verify/recount"
	"headcount/verify/report"
)

// Archive is what `rollup export` wrote. It is read where it lies: nothing is unpacked, so that no name in it leads anywhere and
// no size in it costs more than the archive itself has.
type Archive struct {
	Month   string
	Account string // the only one that it has anything of; empty: it has all

	path    string
	file    *os.File
	entries map[string]span
	wrong   []report.Difference // between manifest and files
	files   int
}

type span struct{ offset, size int64 }

// What an archive may have. A file's name is of these characters, and no element begins with a dot.
const (
	mostEntries  = 1 << 20
	mostManifest = 1 << 28
	mostDocument = 1 << 30
	longestName  = 1200
)

var entryName = regexp.MustCompile(`^(?:[A-Za-z0-9_%-][A-Za-z0-9._%-]*/)*[A-Za-z0-9_%-][A-Za-z0-9._%-]*$`)

// OpenArchive reads an archive's table and manifest, and hashes every file. What does not belong into one is an error; a file
// that is not what the manifest says is a difference of the verification.
func OpenArchive(path string, begin recount.Begin) (_ *Archive, err error) {
	a := &Archive{path: path, entries: map[string]span{}}
	if a.file, err = os.Open(path); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			a.file.Close()
			err = fmt.Errorf("archive %s: %w", path, err)
		}
	}()
	order, err := a.table()
	if err != nil {
		return nil, err
	}
	return a, a.check(order, begin)
}

// Close closes the file.
func (a *Archive) Close() { a.file.Close() }

// table finds the files in it.
func (a *Archive) table() (order []string, err error) {
	info, err := a.file.Stat()
	if err != nil {
		return nil, err
	}
	t := tar.NewReader(a.file)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return order, nil
		}
		if err != nil {
			return nil, fmt.Errorf("after %d files: %w: it was cut, or is no archive of a month", len(order), err)
		}
		at, err := a.file.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		_, twice := a.entries[h.Name]
		switch {
		case h.Typeflag != tar.TypeReg || h.Format != tar.FormatGNU || len(h.PAXRecords) > 0 || h.Linkname != "":
			return nil, fmt.Errorf("%q is no plain file", h.Name)
		case len(h.Name) > longestName || !entryName.MatchString(h.Name):
			return nil, fmt.Errorf("a file is called %.80q: no export writes such a name", h.Name)
		case twice:
			return nil, fmt.Errorf("%s is in it twice", h.Name)
		case h.Size < 0 || h.Size > info.Size()-at:
			return nil, fmt.Errorf("%s has %d bytes, more than are left", h.Name, h.Size)
		case len(order) == mostEntries:
			return nil, fmt.Errorf("it has more than %d files", mostEntries)
		}
		a.entries[h.Name] = span{at, h.Size}
		order = append(order, h.Name)
	}
}

// check compares the files with the manifest.
func (a *Archive) check(order []string, begin recount.Begin) error {
	if len(order) == 0 || order[0] != "manifest.json" || a.entries[order[0]].size > mostManifest {
		return errors.New("it does not begin with a manifest.json: it is no archive of a month")
	}
	text, err := a.read("manifest.json", mostManifest)
	if err != nil {
		return err
	}
	var m struct {
		Version int    `json:"version"`
		Month   string `json:"month"`
		Account string `json:"account"`
		Files   []struct {
			Name   string `json:"name"`
			Size   int64  `json:"size"`
			SHA256 string `json:"sha256"`
		} `json:"files"`
	}
	if err := json.Unmarshal(text, &m, json.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("manifest.json: %w", err)
	}
	if m.Version != 1 {
		return fmt.Errorf("manifest.json: version %d, this program knows 1", m.Version)
	}
	a.Month, a.Account, a.files = m.Month, m.Account, len(m.Files)
	progress := begin.Begin("hashed of the archive", "files", int64(len(m.Files)))
	defer progress.End()
	differ := func(name, want, got string) {
		a.wrong = append(a.wrong, report.Difference{What: "archive", Place: a.path + ": " + name, Want: want, Got: got})
	}
	listed := map[string]bool{"manifest.json": true}
	for i, f := range m.Files {
		listed[f.Name] = true
		at, ok := a.entries[f.Name]
		if !ok {
			differ(f.Name, "a file, by the manifest", "none")
			continue
		}
		h := sha256.New()
		if _, err := io.Copy(h, io.NewSectionReader(a.file, at.offset, at.size)); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != f.SHA256 || at.size != f.Size {
			differ(f.Name, fmt.Sprintf("%d bytes with SHA-256 %s, by the manifest", f.Size, f.SHA256), fmt.Sprintf("%d with %s", at.size, got))
		}
		progress.Set(int64(i) + 1)
	}
	for _, name := range order {
		if !listed[name] {
			differ(name, "no such file, by the manifest", "one")
		}
	}
	return nil
}

func (a *Archive) read(name string, most int64) ([]byte, error) {
	at, ok := a.entries[name]
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	if at.size > most {
		return nil, fmt.Errorf("%s has %d bytes, more than %d", name, at.size, most)
	}
	text := make([]byte, at.size)
	_, err := a.file.ReadAt(text, at.offset)
	return text, err
}

// Ledger returns the ledger's lines.
func (a *Archive) Ledger() io.Reader {
	at := a.entries["ledger.jsonl"]
	return io.NewSectionReader(a.file, at.offset, at.size)
}

// PublicKey returns the seals' public key; empty where there is none.
func (a *Archive) PublicKey() []byte {
	text, _ := a.read("seal.pub", 1<<16)
	return text
}

// Open implements Files.
func (a *Archive) Open(_ context.Context, name string) (io.ReadCloser, error) {
	at, ok := a.entries["state/"+name]
	if !ok {
		return nil, fmt.Errorf("state/%s: not in the archive: %w", name, fs.ErrNotExist)
	}
	return io.NopCloser(io.NewSectionReader(a.file, at.offset, at.size)), nil
}

// List implements Files.
func (a *Archive) List(_ context.Context, prefix string) (names []string, _ error) {
	for name := range a.entries {
		if rest, ok := strings.CutPrefix(name, "state/"); ok && strings.HasPrefix(rest, prefix) {
			names = append(names, rest)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Refused is the report where the archive's ledger cannot even be read.
func (a *Archive) Refused(why error) *report.Report {
	r := report.New(a.Month)
	a.addTo(r)
	r.Wrong("ledger chain", a.path+": ledger.jsonl", "entries that follow from each other", why.Error())
	return r
}

// addTo adds what the manifest says of the files.
func (a *Archive) addTo(r *report.Report) {
	r.Count("archive", int64(a.files))
	for _, d := range a.wrong {
		r.Add(d)
	}
}
