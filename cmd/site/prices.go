package site

import (
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
