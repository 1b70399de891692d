//go:build unix

package rating_test

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"headcount/rating"
)

// manyAccounts is an accounts file as a program writes it: every tenth account has a contract of its own.
func manyAccounts(accounts, apps int) []byte {
	var b strings.Builder
	b.WriteString("accounts:\n")
	for i := range accounts {
		fmt.Fprintf(&b, "  - id: customer-%06d\n    apps: [", i)
		for j := range apps {
			if j > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "app-%06d-%02d", i, j)
		}
		b.WriteString("]\n    plan: tcmpp/pro\n    from: 2026-01-01\n")
		if i%10 == 0 {
			b.WriteString("    overrides: {mau.unit_price: \"0.012\"}\n")
		}
	}
	return []byte(b.String())
}

// manyRows is the same as CSV.
func manyRows(accounts, apps int) []byte {
	var b strings.Builder
	b.WriteString("id,apps,plan,from,overrides.mau.unit_price\n")
	for i := range accounts {
		fmt.Fprintf(&b, "customer-%06d,", i)
		for j := range apps {
			if j > 0 {
				b.WriteByte(' ')
			}
			fmt.Fprintf(&b, "app-%06d-%02d", i, j)
		}
		b.WriteString(",tcmpp/pro,2026-01-01,")
		if i%10 == 0 {
			b.WriteString("0.012")
		}
		b.WriteByte('\n')
	}
	return []byte(b.String())
}

// sizeOf is how large the benchmarks' business is; HEADCOUNT_ACCOUNTS changes it.
func sizeOf() int {
	if n, err := strconv.Atoi(os.Getenv("HEADCOUNT_ACCOUNTS")); err == nil {
		return n
	}
	return 100_000
}

// BenchmarkAccounts loads the accounts of a business, ten apps each, and checks them: of one file, of a table, of a folder of a hundred
// files, and of the folder again with one of them changed. cpu-s is the processors' time, the collector's included; MB is the most memory that the process had of the system.
func BenchmarkAccounts(b *testing.B) {
	n := sizeOf()
	cat := builtin(b)
	whole := []rating.AccountsFile{{Name: "accounts.yaml", Data: manyAccounts(n, 10)}}
	table := []rating.AccountsFile{{Name: "accounts.csv", Data: manyRows(n, 10)}}
	folder := folderOf(whole[0].Data, n/100)
	load := func(b *testing.B, r *rating.AccountsReader, files []rating.AccountsFile) {
		b.Helper()
		a, err := r.Read(files...)
		if err == nil {
			err = a.Check(cat, time.UTC)
		}
		if err != nil || len(a.IDs()) != n {
			b.Fatal(err)
		}
	}
	for name, files := range map[string][]rating.AccountsFile{"file": whole, "table": table, "folder": folder} {
		b.Run(name, func(b *testing.B) {
			before := processorTime(b)
			for b.Loop() {
				load(b, new(rating.AccountsReader), files)
			}
			b.ReportMetric((processorTime(b)-before).Seconds()/float64(b.N), "cpu-s/op")
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.Sys-m.HeapReleased)/(1<<20), "MB")
		})
	}
	b.Run("changed", func(b *testing.B) {
		r := new(rating.AccountsReader)
		load(b, r, folder)
		for i := 0; b.Loop(); i++ {
			f := &folder[i%len(folder)]
			f.Data = append([]byte("# again\n"), f.Data...)
			load(b, r, folder)
		}
	})
}

// folderOf cuts an accounts file into files of so many accounts.
func folderOf(whole []byte, accounts int) (files []rating.AccountsFile) {
	all := strings.Split(string(whole), "  - id: ")[1:]
	for len(all) > 0 {
		n := min(max(1, accounts), len(all))
		text := "accounts:\n  - id: " + strings.Join(all[:n], "  - id: ")
		files = append(files, rating.AccountsFile{Name: fmt.Sprintf("accounts/%05d.yaml", len(files)), Data: []byte(text)})
		all = all[n:]
	}
	return files
}

// BenchmarkBusiness does what a close does with the accounts of a business, without its facts: who is billed for each app, the invoices,
// the warnings. apps/cpu-s are of each.
func BenchmarkBusiness(b *testing.B) {
	n := sizeOf()
	cat := builtin(b)
	a, err := rating.ReadAccounts(rating.AccountsFile{Name: "accounts.yaml", Data: manyAccounts(n, 10)})
	if err != nil {
		b.Fatal(err)
	}
	in := rating.Input{Month: mustMonth("2026-03"), Zone: time.UTC, Accounts: a, Catalog: cat, Usage: rating.Usage{Month: mustMonth("2026-03")}}
	for i, app := range a.Apps() {
		in.Usage.Apps = append(in.Usage.Apps, useOf(app, "mau", 150_000+i))
	}
	apps := float64(len(in.Usage.Apps))
	run := func(name string, do func() error) {
		b.Run(name, func(b *testing.B) {
			before := processorTime(b)
			for b.Loop() {
				if err := do(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(apps*float64(b.N)/(processorTime(b)-before).Seconds(), "apps/cpu-s")
		})
	}
	run("owners", func() error {
		for _, app := range in.Usage.Apps {
			if account, _, _ := a.MetersOf(cat, in.Month, time.UTC, app.App); account == "" {
				return fmt.Errorf("nobody is billed for %s", app.App)
			}
		}
		return nil
	})
	run("rate", func() error {
		invoices, err := rating.Rate(in)
		if err == nil && len(invoices) != n {
			err = fmt.Errorf("%d invoices", len(invoices))
		}
		return err
	})
	run("warnings", func() error {
		warnings, err := rating.Warnings(in)
		if err == nil && len(warnings) > 0 {
			err = fmt.Errorf("%d warnings", len(warnings))
		}
		return err
	})
}
