package catalog

import "testing"

func TestBuiltin(t *testing.T) {
	c, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range c.Books() {
		if b.Title == "" || b.Source == "" || b.Date == "" {
			t.Errorf("%s: title %q, source %q, date %q", b.Name, b.Title, b.Source, b.Date)
		}
	}
	if got := len(c.Books()); got != 5 {
		t.Errorf("%d books, want 5", got)
	}
}
