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

// BenchmarkRate prices a month of a thousand accounts with ten apps each. lines/cpu-s counts the time of the processor, the
// collector's included, and so does not depend on what else the machine does.
func BenchmarkRate(b *testing.B) {
	const accounts, apps = 1000, 10
	var text strings.Builder
	text.WriteString("accounts:\n")
	var usage []rating.AppUsage
	for i := range accounts {
		var names []string
		for j := range apps {
			name := fmt.Sprintf("app-%d-%d", i, j)
			names = append(names, name)
			usage = append(usage, useOf(name, "mau", 150_000+i*j*37))
		}
		fmt.Fprintf(&text, "  - {id: acme-%04d, apps: [%s], plan: tcmpp/pro, from: 2026-01-01}\n", i, strings.Join(names, ", "))
	}
	a, err := rating.ParseAccounts("accounts.yaml", []byte(text.String()))
	if err != nil {
		b.Fatal(err)
	}
	in := rating.Input{Month: "2026-03", Zone: time.UTC, Usage: rating.Usage{Month: "2026-03", Apps: usage}, Accounts: a, Catalog: builtin(b)}
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
