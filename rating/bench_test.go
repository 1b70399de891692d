//go:build unix

package rating_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"headcount/rating"
)

// BenchmarkRate prices a month of a thousand accounts with ten apps each: of one book with one line an app, and of all books,
// with add-ons, packages and, where the book is billed daily, each day's figures. lines/cpu-s counts the time of the processor,
// the collector's included, and so does not depend on what else the machine does.
func BenchmarkRate(b *testing.B) {
	b.Run("one", func(b *testing.B) { benchmarkRate(b, benchBooks[:1]) })
	b.Run("all", func(b *testing.B) { benchmarkRate(b, benchBooks) })
}

// benchBook is an account of a book: its fields, the usage of its apps, and that by day.
type benchBook struct {
	fields string
	pairs  []any
	days   string
}

var benchBooks = []benchBook{
	{"plan: tcmpp/pro, from: 2026-01-01", []any{"mau", 150_000}, ""},
	{"plan: tcsas/professional, from: 2026-01-01, overrides: {mau.free: '140000'}", []any{"mau", 150_000}, ""},
	{"plan: im/pro, from: 2026-01-01, addons: [{item: rooms, from: 2026-02-01}]", []any{"peak_dau", 15_000, "peak_groups", 90_000}, ""},
	{"plan: chat/standard, from: 2026-01-01, renew: auto, addons: [{item: search, from: 2026-01-01}]", []any{"mau", 12_000, "search_stored", 2_000_000}, ""},
	{"plan: mpaas/standard, from: 2026-01-01, packages: [{item: push, quantity: '50000', price: '900', bought: 2026-01-31}]",
		[]any{"h5", 3000, "release", 3000}, "push"},
}

func benchmarkRate(b *testing.B, books []benchBook) {
	const accounts, apps = 1000, 10
	var text strings.Builder
	text.WriteString("accounts:\n")
	var usage []rating.AppUsage
	for i := range accounts {
		book := &books[i%len(books)]
		var names []string
		for j := range apps {
			name := fmt.Sprintf("app-%d-%d", i, j)
			names = append(names, name)
			u := useOf(name, book.pairs...)
			for k := range u.Meters {
				u.Meters[k].Exact += int64(i * j * 37)
			}
			if book.days != "" {
				var days []any
				for day := range 31 {
					days = append(days, fmt.Sprintf("2026-03-%02d", day+1), 200+i)
				}
				u.Meters = append(u.Meters, daily(book.days, days...).Meters...)
			}
			usage = append(usage, u)
		}
		fmt.Fprintf(&text, "  - {id: acme-%04d, apps: [%s], %s}\n", i, strings.Join(names, ", "), book.fields)
	}
	a, err := rating.ParseAccounts("accounts.yaml", []byte(text.String()))
	if err != nil {
		b.Fatal(err)
	}
	in := rating.Input{Month: mustMonth("2026-03"), Zone: time.UTC, Usage: rating.Usage{Month: mustMonth("2026-03"), Apps: usage}, Accounts: a, Catalog: builtin(b)}
	lines, before := 0, processorTime(b)
	for b.Loop() {
		invoices, err := rating.Rate(in)
		if err != nil {
			b.Fatal(err)
		}
		for _, v := range invoices {
			lines += len(v.Lines)
		}
	}
	b.ReportMetric(float64(lines)/b.Elapsed().Seconds(), "lines/s")
	b.ReportMetric(float64(lines)/(processorTime(b)-before).Seconds(), "lines/cpu-s")
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
