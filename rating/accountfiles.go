package rating

import (
	"bytes"
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"headcount/internal/strict"
)

// AccountsFile is a file that says who is billed: CSV where its name ends in .csv, else YAML.
type AccountsFile struct {
	Name string // as errors call it
	Data []byte
}

const (
	maxAccountsBytes = 64 << 20 // of a file
	maxClosingBytes  = 1 << 30  // of the accounts of a closing, which may be a folder's
	accountsField    = "accounts"
)

var accountRows = strict.Rows{Key: "id", List: "apps", Each: "app"}

// ParseAccounts reads an accounts document in YAML, such as a closing keeps; name is what errors call it. It checks all that needs no price
// book: Check does the rest. An error is a *FileError.
func ParseAccounts(name string, data []byte) (*Accounts, error) {
	list, err := parseAccounts(name, maxClosingBytes, data)
	if err != nil {
		return nil, err
	}
	return newAccounts(name, list)
}

// ReadAccounts reads files that together say who is billed, those of a folder or one. It checks and fails as ParseAccounts does; an
// account or an app that is there twice is named with both places.
func ReadAccounts(files ...AccountsFile) (*Accounts, error) {
	return new(AccountsReader).Read(files...)
}

// AccountsReader reads files time and again, and parses only those whose bytes are not what they were the time before. It may be
// used by many at once.
type AccountsReader struct {
	turn sync.Mutex
	last map[string]parsedFile // by name
	same *Accounts             // of all of them
}

type parsedFile struct {
	data []byte
	list []*account
}

// Read is ReadAccounts. What it returned is still right after further reads.
func (r *AccountsReader) Read(files ...AccountsFile) (*Accounts, error) {
	r.turn.Lock()
	defer r.turn.Unlock()
	now := make(map[string]parsedFile, len(files))
	lists := make([][]*account, len(files))
	wrong := make([]error, len(files))
	same := r.same != nil && len(files) == len(r.last)
	var fresh []int
	for i, f := range files {
		if p, ok := r.last[f.Name]; ok && bytes.Equal(p.data, f.Data) {
			now[f.Name], lists[i] = p, p.list
			continue
		}
		same, fresh = false, append(fresh, i)
	}
	if same {
		return r.same, nil
	}
	strict.InParallel(len(fresh), func(k int) {
		f := files[fresh[k]]
		lists[fresh[k]], wrong[fresh[k]] = f.parse()
	})
	for _, i := range fresh {
		if wrong[i] != nil {
			return nil, wrong[i]
		}
		now[files[i].Name] = parsedFile{files[i].Data, lists[i]}
	}
	a, err := newAccounts(nameOf(files), slices.Concat(lists...))
	if err != nil {
		return nil, err
	}
	r.last, r.same = now, a
	return a, nil
}

// nameOf is a file's name, or of several their folder's.
func nameOf(files []AccountsFile) string {
	switch len(files) {
	case 0:
		return "accounts"
	case 1:
		return files[0].Name
	}
	return filepath.Dir(files[0].Name)
}

// table says whether the file is CSV.
func (f AccountsFile) table() bool { return strings.EqualFold(filepath.Ext(f.Name), ".csv") }

// each hands over a file's accounts, to several goroutines.
func (f AccountsFile) each(count func(n int), read func(i int, v strict.Value)) error {
	var err *strict.Error
	if f.table() {
		err = strict.Table(f.Name, f.Data, maxAccountsBytes, accountRows, count, read)
	} else {
		err = strict.Elements(f.Name, f.Data, maxAccountsBytes, accountsField, count, read)
	}
	if err != nil {
		return err
	}
	return nil
}

func (f AccountsFile) parse() (list []*account, err error) {
	err = f.each(func(n int) { list = make([]*account, n) }, func(i int, v strict.Value) { list[i] = readAccount(v) })
	return list, err
}

func parseAccounts(name string, limit int, data []byte) (list []*account, err error) {
	wrong := strict.Elements(name, data, limit, accountsField, func(n int) { list = make([]*account, n) }, func(i int, v strict.Value) { list[i] = readAccount(v) })
	if wrong != nil {
		return nil, wrong
	}
	return list, nil
}

// AccountsDocument returns what ReadAccounts read as the one document that a closing keeps: a YAML file as it is; CSV and folders as
// YAML with an account a line, sorted by id, so that it is the same however they are spread over files.
func AccountsDocument(files ...AccountsFile) ([]byte, error) {
	if len(files) == 1 && !files[0].table() {
		return files[0].Data, nil
	}
	type line struct {
		id   string
		text []byte
	}
	var lines []line
	for _, f := range files {
		var of []line
		err := f.each(func(n int) { of = make([]line, n) }, func(i int, v strict.Value) {
			of[i] = line{idOf(v), v.AppendJSON(nil)}
		})
		if err != nil {
			return nil, err
		}
		lines = append(lines, of...)
	}
	if len(lines) == 0 {
		return []byte(accountsField + ": []\n"), nil
	}
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(a.id, b.id) })
	size := len(accountsField) + 2
	for _, l := range lines {
		size += len(l.text) + 3
	}
	if size > maxClosingBytes {
		return nil, fmt.Errorf("accounts of %d bytes are more than the %d that a closing keeps: leave out those that ended", size, maxClosingBytes)
	}
	out := append(make([]byte, 0, size), accountsField+":\n"...)
	for _, l := range lines {
		out = append(append(append(out, "- "...), l.text...), '\n')
	}
	return out, nil
}

func idOf(v strict.Value) string {
	id, _ := v.Object().Maybe("id")
	return id.Text()
}

// AccountDocument returns the document of one account alone, of those that an accounts document has, without comments; nil where it has
// none of that id.
func AccountDocument(name string, data []byte, id string) ([]byte, error) {
	var turn sync.Mutex
	var found []byte
	err := strict.Elements(name, data, maxClosingBytes, accountsField, func(int) {}, func(_ int, v strict.Value) {
		if idOf(v) == id {
			turn.Lock()
			defer turn.Unlock()
			found = append(v.AppendJSON([]byte(accountsField+":\n- ")), '\n')
		}
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}
