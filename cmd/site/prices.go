package site

import (
	"errors"
	"io/fs"

	"headcount/cmd/config"
	"headcount/rating"
	"headcount/rating/catalog"
)

// Catalog reads the price books: the folder that the configuration names, else the built-in ones.
func Catalog(c *config.Config) (*rating.Catalog, error) {
	load := catalog.Builtin
	if c.Catalog != "" {
		load = func() (*rating.Catalog, error) { return catalog.Load(c.Catalog) }
	}
	books, err := load()
	if err != nil {
		return nil, &config.Error{Where: "catalog", What: err.Error()}
	}
	return books, nil
}

// AccountsFile reads the accounts file as it is.
func AccountsFile(c *config.Config) ([]byte, error) {
	data, err := config.ReadFile(c.Accounts)
	switch {
	case err == nil:
		return data, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, &config.Error{Where: c.Accounts, What: "accounts: " + err.Error()}
	default:
		return nil, &config.Error{Where: c.File, What: "accounts: " + err.Error() + "; `ingest init` writes an example"}
	}
}

// Accounts reads the accounts file and holds it against the price books.
func Accounts(c *config.Config, books *rating.Catalog) (*rating.Accounts, error) {
	data, err := AccountsFile(c)
	if err != nil {
		return nil, err
	}
	accounts, err := rating.ParseAccounts(c.Accounts, data)
	if err != nil {
		return nil, &config.Error{Where: "accounts", What: err.Error()}
	}
	if err := accounts.Check(books, c.Zone()); err != nil {
		return nil, &config.Error{Where: "accounts", What: err.Error()}
	}
	return accounts, nil
}
