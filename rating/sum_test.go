package rating_test

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"headcount/rating"
)

// checkSum holds an invoice's total against its lines, and its days against its total.
func checkSum(t testing.TB, v rating.Invoice) {
	t.Helper()
	sum := decimal.Zero
	for _, l := range v.Lines {
		sum = sum.Add(decimal.RequireFromString(l.Amount))
	}
	if got := sum.StringFixed(2); got != v.Total {
		t.Errorf("lines of %s sum up to %s, total is %s", v.Account, got, v.Total)
	}
	if len(v.Daily) > 0 {
		sum = decimal.Zero
		for _, d := range v.Daily {
			sum = sum.Add(decimal.RequireFromString(d.Amount))
		}
		metered := decimal.Zero
		for _, l := range v.Lines {
			if l.Meter != "" && (!strings.HasPrefix(v.Plan, "chat/") || l.Meter == "push_calls") { // of chat, the rest is billed by the month
				metered = metered.Add(decimal.RequireFromString(l.Amount))
			}
		}
		if !sum.Equal(metered) {
			t.Errorf("days of %s sum up to %s, its meters to %s", v.Account, sum, metered)
		}
	}
}

func refund(t testing.TB, v rating.Invoice, want, split string) {
	t.Helper()
	for _, p := range v.Prepaid {
		if strings.HasPrefix(p.How, "refund: ") {
			if p.Amount != want || !strings.Contains(p.How, split) {
				t.Errorf("refund %s (%s), want %s, %s", p.Amount, p.How, want, split)
			}
			return
		}
	}
	t.Errorf("no refund in %s", show(v.Prepaid))
}
