package closed

import (
	"bytes"
	"fmt"
	"maps"

	"headcount/rating"
	"headcount/rollup/usage"
)

// Prices are accounts and books, read.
type Prices struct {
	Catalog  *rating.Catalog
	Accounts *rating.Accounts
}

// Biller tells who is billed for what in a month.
func (p *Prices) Biller(m *Month) usage.Biller {
	return usage.NewBiller(p.Catalog, p.Accounts, m.Month, m.Closing.Zone)
}

// Prices reads accounts and books as the month has them.
func (m *Month) Prices(cache *PriceCache) (*Prices, error) {
	catalog, err := cache.Catalog(m.Books)
	if err != nil {
		return nil, fmt.Errorf("books of the closing of %s: %w", m.Month, err)
	}
	accounts, err := cache.Accounts(m.Accounts)
	if err != nil {
		return nil, fmt.Errorf("closing of %s: %w", m.Month, err)
	}
	return &Prices{catalog, accounts}, nil
}

// PriceCache keeps what was read last: a month, what came late for the one before, and the next month mostly have the same.
// It is not for use by several goroutines.
type PriceCache struct {
	lastBooks    readings[*rating.Catalog]
	lastAccounts readings[*rating.Accounts]
}

// Catalog reads price books, by file name.
func (c *PriceCache) Catalog(books map[string][]byte) (*rating.Catalog, error) {
	return c.lastBooks.read(books, func() (*rating.Catalog, error) { return rating.ParseCatalog(books) })
}

// Accounts reads an accounts file.
func (c *PriceCache) Accounts(text []byte) (*rating.Accounts, error) {
	return c.lastAccounts.read(map[string][]byte{"": text}, func() (*rating.Accounts, error) {
		return rating.ParseAccounts("accounts of the closing", text)
	})
}

// readings are the last few texts that were read, each by name, and what as: those of a month and of the one before alternate.
type readings[T any] struct {
	last []reading[T] // the newest first
}

type reading[T any] struct {
	texts map[string][]byte
	as    T
}

const mostReadings = 4

// read reads texts, unless they are among the last.
func (r *readings[T]) read(texts map[string][]byte, parse func() (T, error)) (T, error) {
	for _, known := range r.last {
		if maps.EqualFunc(known.texts, texts, bytes.Equal) {
			return known.as, nil
		}
	}
	as, err := parse()
	if err == nil {
		r.last = append([]reading[T]{{texts, as}}, r.last[:min(len(r.last), mostReadings-1)]...)
	}
	return as, err
}
