package ledger

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"headcount/internal/canonical"
)

// BenchmarkClose commits and verifies a month of many apps, each with a month of daily figures and an invoice of its own.
func BenchmarkClose(b *testing.B) {
	const apps = 10_000
	r := Result{Month: october, SealID: "seal-2026-10"}
	daily := strings.Repeat(`{"day":"2026-10-01","active":17,"new":17,"users":0},`, 30) + `{}`
	for i := range apps {
		app := fmt.Sprintf("app-%06d", i)
		document := json.RawMessage(`{"app":"` + app + `","daily":[` + daily + `]}`)
		r.Usage = append(r.Usage, UsageRow{App: app, Account: app, Digest: canonical.Hash(document), Document: document})
		v, err := NewInvoice([]byte(strings.Replace(fmt.Sprintf(heldInvoice, r.Month, 1), "acme", app, 1)))
		if err != nil {
			b.Fatal(err)
		}
		r.Invoices = append(r.Invoices, v)
	}
	whole, _ := json.Marshal(r.Usage)
	r.Document = whole
	var commit, verify time.Duration
	for b.Loop() {
		l, err := Create(b.Context(), "sqlite://"+filepath.Join(b.TempDir(), "l.db"))
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := l.Begin(b.Context(), testClosing(october, nil)); err != nil {
			b.Fatal(err)
		}
		t := time.Now()
		if _, err := l.Commit(b.Context(), r); err != nil {
			b.Fatal(err)
		}
		commit += time.Since(t)
		t = time.Now()
		if _, err := l.Verify(b.Context()); err != nil {
			b.Fatal(err)
		}
		verify += time.Since(t)
		l.Close()
	}
	b.ReportMetric(float64(commit.Microseconds())/float64(b.N*apps), "commit-µs/app")
	b.ReportMetric(float64(verify.Microseconds())/float64(b.N*apps), "verify-µs/app")
}
