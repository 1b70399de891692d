package usage

import (
	"reflect"
	"strings"
	"testing"
)

// The form is in the ledger's chain: it stays.
func TestLimitsInTheClosing(t *testing.T) {
	const former = `{"hold_least":20,"skew_limit":"0.01","reject_limit":"0.01","quantity_jump":10,"witnesses":{"many":1000,"narrow":{"k":5.7,"slack":10},"wide":{"k":6.5,"slack":16}}}`
	const usual = `{"hold_least":20,"skew_limit":"0.01","reject_limit":"0.01","unknown_limit":"1","far_limit":"0.01","device_jump":2,"quantity_jump":10,"witnesses":{"many":1000,"narrow":{"k":5.7,"slack":10},"wide":{"k":6.5,"slack":16}}}`
	if got := string(DefaultLimits().Document()); got != usual {
		t.Errorf("got  %s\nwant %s", got, usual)
	}
	for text, want := range map[string]Limits{usual: DefaultLimits(), former: DefaultLimits(), "": DefaultLimits(), `{"skew_limit":"0.010"}`: DefaultLimits()} {
		if got, err := ParseLimits([]byte(text)); err != nil || len(got.Overridden()) > 0 || string(got.Document()) != string(want.Document()) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	l, err := ParseLimits([]byte(strings.Replace(usual, `"0.01"`, `"1"`, 1)))
	if want := []string{"skew_limit is 1, not 0.01"}; err != nil || !reflect.DeepEqual(l.Overridden(), want) {
		t.Errorf("%q, %v", l.Overridden(), err)
	}
	if _, err := ParseLimits([]byte(`{"hold_least":20,"other_limit":"1"}`)); err == nil || !strings.Contains(err.Error(), "newer") {
		t.Errorf("a limit that is not known: %v", err)
	}
}
