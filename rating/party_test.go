package rating

import "testing"

// TestTaxRates reads shares and percentages, and nothing that may be either.
func TestTaxRates(t *testing.T) {
	for text, want := range map[string]string{
		"19%": "0.19", "0.19": "0.19", "0": "0", "0%": "0", "1": "1", "100%": "1", "1%": "0.01", "8.875%": "0.08875", "0.5%": "0.005",
		"19": "", "1.01": "", "101%": "", "%": "", "-1%": "", "1e1%": "", "19 %": "", "0.1234567": "", ".5": "",
	} {
		got, err := parseTaxRate(text)
		if want == "" && err == nil || want != "" && (err != nil || got.String() != want) {
			t.Errorf("%q: %s, %v; want %q", text, got, err, want)
		}
	}
}

func TestTerms(t *testing.T) {
	for text, days := range map[string]int{"net 14": 14, "net 0": 0, "net 365": 365, "net 366": -1, "net": -1, "net 07": -1, "14": -1, "net -1": -1, "net  3": -1} {
		got, err := ParseTerms(text)
		if (days < 0) != (err != nil) || err == nil && (got.Days != days || got.String() != text) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
