package site

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"headcount/cmd/config"
	"headcount/rating"
)

// maxAccountsFile is how large a file of accounts may be.
const maxAccountsFile = 64 << 20

// accountsEndings are those that files of accounts have in a folder.
var accountsEndings = []string{".yaml", ".yml", ".csv"}

// AccountsFiles reads what says who is billed: a file, or each file of a folder. What lies in a folder and is not read is an error, but for
// hidden files and a README: an account that is silently left out is not billed.
func AccountsFiles(path string) ([]rating.AccountsFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		data, err := readAccountsFile(path)
		if err != nil {
			return nil, err
		}
		return []rating.AccountsFile{{Name: path, Data: data}}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		switch name := e.Name(); {
		case strings.HasPrefix(name, "."), strings.HasPrefix(name, "README"):
		case !slices.Contains(accountsEndings, strings.ToLower(filepath.Ext(name))):
			return nil, fmt.Errorf("%s is not a file of accounts (%s): move it out of the folder", filepath.Join(path, name), strings.Join(accountsEndings, ", "))
		default:
			names = append(names, filepath.Join(path, name))
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s has no file of accounts (%s); where nobody is billed, write a file with accounts: []", path, strings.Join(accountsEndings, ", "))
	}
	files := make([]rating.AccountsFile, len(names))
	wrong := make([]error, len(names))
	var all sync.WaitGroup
	const readers = 8
	for first := range readers {
		all.Go(func() {
			for i := first; i < len(names); i += readers {
				files[i].Name = names[i]
				files[i].Data, wrong[i] = readAccountsFile(names[i])
			}
		})
	}
	all.Wait()
	for _, err := range wrong {
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

func readAccountsFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s is a folder in a folder: put its files beside the others", name)
	case info.Size() > maxAccountsFile:
		return nil, fmt.Errorf("%s: %d bytes are over the limit of 64 MiB: make it a folder of files", name, info.Size())
	}
	return os.ReadFile(name)
}

// AccountsReader reads accounts time and again: what did not change is not parsed again.
type AccountsReader struct {
	parsed rating.AccountsReader
}

// Configured reads the accounts that the configuration names, a file or a folder of them, and holds them against the price books.
// document is what a closing keeps of them; it is made only when it is called.
func (r *AccountsReader) Configured(c *config.Config, books *rating.Catalog) (_ *rating.Accounts, document func() ([]byte, error), _ error) {
	files, err := AccountsFiles(c.Accounts)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, &config.Error{Where: c.File, What: "accounts: " + err.Error() + "; `ingest init` writes an example"}
	case errors.Is(err, fs.ErrPermission): // no mistake in them
		return nil, nil, fmt.Errorf("accounts: %w", err)
	case err != nil:
		return nil, nil, &config.Error{Where: c.Accounts, What: "accounts: " + err.Error()}
	}
	accounts, err := r.parsed.Read(files...)
	if err == nil {
		err = accounts.Check(books, c.Zone())
	}
	if err != nil {
		return nil, nil, &config.Error{Where: "accounts", What: err.Error()}
	}
	return accounts, func() ([]byte, error) { return rating.AccountsDocument(files...) }, nil
}

// Accounts reads the accounts that the configuration names, once.
func Accounts(c *config.Config, books *rating.Catalog) (*rating.Accounts, error) {
	accounts, _, err := new(AccountsReader).Configured(c, books)
	return accounts, err
}
