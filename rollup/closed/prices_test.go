package closed

import (
	"bytes"
	"fmt"
	"testing"
)

const bookFile = `book: test
title: Test
source: none
date: 2023-01-01
currency: USD
minor_digits: 2
rules: {quota_per: app, plan_of_month: last, partial_month: whole, deduct_from_day: 1, deduct_until_day: 3}
meters:
  mau: {title: devices, aggregate: unique, kinds: [open]}
plans:
  basic:
    title: Basic
    charges:
      mau: {model: per_unit, unit_price: "%s"}
`

// What was parsed is kept, by the text.
func TestPriceCache(t *testing.T) {
	var c PriceCache
	books := map[string][]byte{"test.yaml": fmt.Appendf(nil, bookFile, "0.50")}
	first, err := c.Catalog(books)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.Catalog(map[string][]byte{"test.yaml": bytes.Clone(books["test.yaml"])}); err != nil || again != first {
		t.Errorf("the same books were parsed again: %v", err)
	}
	for i := range mostReadings {
		if other, err := c.Catalog(map[string][]byte{"test.yaml": fmt.Appendf(nil, bookFile, fmt.Sprint(i+1))}); err != nil || other == first {
			t.Fatalf("other books: the same catalog, %v", err)
		}
	}
	if again, err := c.Catalog(books); err != nil || again == first || len(c.lastBooks.last) != mostReadings {
		t.Errorf("books are kept for ever: %d, %v", len(c.lastBooks.last), err)
	}
	if _, err := c.Catalog(map[string][]byte{"test.yaml": []byte("no book")}); err == nil {
		t.Error("no book was read")
	}
}
