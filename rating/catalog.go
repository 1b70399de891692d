package rating

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"headcount/internal/strict"
)

// Catalog is a set of price books. It does not change once it is parsed and may be used by many at once.
type Catalog struct {
	books []*Book // by name
	plans map[string]*Plan
	docs  map[string][]byte
}

// ParseCatalog reads price books from their files' bytes, by file name. An error is a *FileError.
func ParseCatalog(docs map[string][]byte) (*Catalog, error) {
	c := &Catalog{docs: make(map[string][]byte, len(docs))}
	files := make(map[string]string)
	for _, file := range slices.Sorted(maps.Keys(docs)) {
		b, err := readBook(file, docs[file])
		if err != nil {
			return nil, err
		}
		if other := files[b.Name]; other != "" {
			return nil, strict.Place{File: file, Field: "book"}.Errorf("%q is the book of %s too", b.Name, other)
		}
		files[b.Name] = file
		c.books = append(c.books, b)
		c.docs[file] = slices.Clone(docs[file])
	}
	if len(c.books) == 0 {
		return nil, fmt.Errorf("catalog: no price books")
	}
	sort.Slice(c.books, func(i, j int) bool { return c.books[i].Name < c.books[j].Name })
	c.plans = make(map[string]*Plan)
	for _, p := range c.Plans() {
		c.plans[p.ID()] = p
	}
	return c, nil
}

// Documents returns the books' bytes by file name, as they were parsed: what a closing keeps.
func (c *Catalog) Documents() map[string][]byte {
	out := make(map[string][]byte, len(c.docs))
	for name, b := range c.docs {
		out[name] = slices.Clone(b)
	}
	return out
}

// Books returns the books by name. They are not to be changed.
func (c *Catalog) Books() []*Book { return slices.Clone(c.books) }

// Plans returns all plans, by book, in their books' order. They are not to be changed.
func (c *Catalog) Plans() (out []*Plan) {
	for _, b := range c.books {
		out = append(out, b.Plans...)
	}
	return out
}

// Plan finds a plan by its id, book/plan. The error says what was meant.
func (c *Catalog) Plan(id string) (*Plan, error) {
	if p := c.plans[id]; p != nil {
		return p, nil
	}
	var all []string
	for _, p := range c.Plans() {
		all = append(all, p.ID())
	}
	book, plan, _ := strings.Cut(id, "/")
	if b := c.book(book); b != nil {
		own := names(b.Plans, func(p *Plan) string { return p.Name })
		if hint := strict.DidYouMean(plan, own); hint != "" {
			return nil, fmt.Errorf("unknown plan %q%s", id, strings.Replace(hint, `"`, `"`+book+"/", 1))
		}
		return nil, fmt.Errorf("unknown plan %q; did you mean one of %s/%s?", id, book, strings.Join(own, ", "+book+"/"))
	}
	if hint := strict.DidYouMean(id, all); hint != "" {
		return nil, fmt.Errorf("unknown plan %q%s", id, hint)
	}
	return nil, fmt.Errorf("unknown plan %q: want book/plan, where book is %s", id, strings.Join(c.names(), ", "))
}

func (c *Catalog) book(name string) *Book {
	return named(c.books, name, func(b *Book) string { return b.Name })
}

func (c *Catalog) names() []string { return names(c.books, func(b *Book) string { return b.Name }) }

// meter says whether any book has a meter of that name, and where none has, which there are.
func (c *Catalog) meter(name string) (known bool, all []string) {
	for _, b := range c.books {
		if b.meter(name) != nil {
			return true, nil
		}
	}
	for _, b := range c.books {
		all = append(all, b.meterNames()...)
	}
	slices.Sort(all)
	return false, slices.Compact(all)
}
