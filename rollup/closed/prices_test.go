package closed

import (
	"bytes"
	"fmt"
	"testing"

	"headcount/rating/ratingtest"
)

var bookFile = ratingtest.Book(ratingtest.Devices, `  basic:
    title: Basic
    charges:
      mau: {model: per_unit, unit_price: "%s"}
`)

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
