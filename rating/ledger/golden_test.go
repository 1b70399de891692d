package ledger

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var golden = flag.Bool("golden", false, "write the golden ledger of this schema version, where there is none")

// TestHash fixes what is hashed: an auditor computes the same with sha256sum.
func TestHash(t *testing.T) {
	e := entry{seq: 12, kind: "release", month: "2026-10", at: "2026-11-01T19:45:00.123Z", payload: `{"account":"acme"}`, previous: strings.Repeat("ab", 32)}
	// printf '%s\n%s\n12\nrelease\n2026-10\n2026-11-01T19:45:00.123Z\n{"account":"acme"}' 'headcount ledger entry 1' abab…ab | sha256sum
	if got, want := e.sum(), "beeb0ada7f802234f66f2712e1d192d929c84d79d8f219a62426696626fc2bae"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestGolden reads the ledgers that earlier versions wrote. Their files are kept for ever.
func TestGolden(t *testing.T) {
	known := map[int]Report{
		1: {Entries: 19, Rows: 26, Head: "66d662a813b6c7135839b5b3416675a39ac075c74fe09f9c1f8768427249fab7"},
		2: {Entries: 21, Rows: 28, Head: "d4df16b647ce3c035531e9f07d58c4c824af6c7a86693bed01949bb5582da8a6"},
		3: {Entries: 21, Rows: 28, Head: "b2b7d74a68d00338404924ee184fe8f80da01d97019394c5db6466f820d979df"},
		5: {Entries: 21, Rows: 32, Head: "765b28720d41dea5308499524fb078d984c44da681aeb9dec8e87792d50958a5"},
	}
	if *golden {
		writeGolden(t)
	}
	for version := range known {
		packed, err := os.ReadFile(fmt.Sprintf("testdata/ledger-%d.db.gz", version))
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		plain, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "ledger.db")
		if err := os.WriteFile(path, plain, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := Open(t.Context(), "sqlite://"+path)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		r := verified(t, l)
		if r != known[version] {
			t.Errorf("version %d: %+v", version, r)
		}
		second := fmt.Sprintf(finalInvoice, october, 1)
		if version >= 5 { // numbered
			second = strings.Replace(second, `"final"`, `"final","number":"INV-2026-10-000001","issued":"2026-11-01"`, 1)
		}
		all, err := l.Invoices(t.Context(), october)
		if err != nil || len(all) != min(1+version, 3) || all[0].Status != Final || all[0].Release.By != "ann" || string(all[1].Document) != second {
			t.Errorf("version %d: %+v, %v", version, all, err)
		}
		if err := l.Release(t.Context(), november, "acme", "checked", "ann", nil); err != nil {
			t.Errorf("version %d: add to it: %v", version, err)
		}
		verified(t, l, r.Head)
	}
}

func writeGolden(t *testing.T) {
	t.Helper()
	folder := t.TempDir()
	l := full(t, "sqlite://"+filepath.Join(folder, "ledger.db"))
	t.Log("head", verified(t, l))
	execute(t, "sqlite://"+filepath.Join(folder, "ledger.db"), "VACUUM INTO '"+filepath.Join(folder, "copy.db")+"'")
	plain, err := os.ReadFile(filepath.Join(folder, "copy.db"))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	z.Write(plain)
	z.Close()
	f, err := os.OpenFile(fmt.Sprintf("testdata/ledger-%d.db.gz", schemaVersion), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(b.Bytes()); err != nil {
		t.Fatal(err)
	}
}
