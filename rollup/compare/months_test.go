package compare

import (
	"encoding/json"
	"testing"
)

// Each currency has its own total; where there is one, the comparison's sums are that.
func TestTotals(t *testing.T) {
	var c Comparison
	for _, a := range []Account{
		{Account: "a", Currency: "USD", Billed: "1.50", Priced: "2.00"},
		{Account: "b", Currency: "CNY", Billed: "9.00", Priced: "8.00"},
		{Account: "a", Currency: "USD", Billed: "0.25", Priced: "0.125"},
	} {
		if err := c.add(&a); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(c)
	const want = `{"what_if":false,"months":null,"totals":[{"currency":"CNY","billed":"9.00","priced":"8.00","difference":"-1.00"},{"currency":"USD","billed":"1.75","priced":"2.125","difference":"0.375"}]}`
	if err != nil || string(text) != want {
		t.Errorf("got %s, %v, want %s", text, err, want)
	}
	if err := c.add(&Account{Currency: "USD", Billed: "much", Priced: "1"}); err == nil {
		t.Error("no amount was added")
	}
}
