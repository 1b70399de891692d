package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// longAccounts are those of many apps.
func longAccounts(accounts int) []byte {
	var b bytes.Buffer
	b.WriteString("accounts:\n")
	for i := range accounts {
		fmt.Fprintf(&b, "- {\"id\": \"customer-%06d\", \"apps\": [\"app-%06d-a\", \"app-%06d-b\"], \"plan\": \"tcmpp/pro\", \"from\": \"2026-01-01\"}\n", i, i, i)
	}
	return b.Bytes()
}

// TestPacked keeps long accounts in little room: they read back as they were, are verified and exported as what they say, however they
// are packed, and another content in the same cell is found.
func TestPacked(t *testing.T) {
	databases(t, func(t *testing.T, url string) {
		l := start(t, url)
		accounts := longAccounts(5000)
		c := testClosing(october, nil)
		c.Accounts = accounts
		if _, _, err := l.Begin(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Commit(t.Context(), testResult(t, october)); err != nil {
			t.Fatal(err)
		}
		m := testAmendment(october)
		m.Accounts = append([]byte("# corrected\n"), accounts...)
		if _, err := l.Amend(t.Context(), m, nil); err != nil {
			t.Fatal(err)
		}
		if already, err := l.Amend(t.Context(), m, nil); err != nil || !already {
			t.Errorf("again: %v, %v", already, err)
		}
		stored, err := l.Closing(t.Context(), october)
		if err != nil || !bytes.Equal(stored.Accounts, accounts) {
			t.Errorf("%d bytes of accounts, %v; want %d", len(stored.Accounts), err, len(accounts))
		}
		all, err := l.Amendments(t.Context(), october)
		if err != nil || len(all) != 1 || !bytes.Equal(all[0].Accounts, m.Accounts) {
			t.Errorf("%d amendments, %v", len(all), err)
		}
		r := verified(t, l)
		var out bytes.Buffer
		if err := l.Export(t.Context(), &out); err != nil || !strings.Contains(out.String(), `customer-004999`) {
			t.Errorf("export of %d bytes, %v", out.Len(), err)
		}
		for _, cell := range []string{"SELECT accounts FROM closings", "SELECT document FROM amendments"} {
			raw := rawConn(t, url)
			var b []byte
			if err := raw.QueryRowContext(context.Background(), cell).Scan(&b); err != nil || len(b) > len(accounts)/10 {
				t.Errorf("%s: %d bytes, %v; the content has %d", cell, len(b), err, len(accounts))
			}
			raw.Close()
		}
		f := newForger(t, url)
		put := "UPDATE closings SET accounts = $1"
		forge := func(cell []byte) {
			f.forge(strings.Replace(put, "$1", literal(f.postgres, cell), 1))
		}
		forge(accounts) // not packed: the same content
		if got := verified(t, l); got != r {
			t.Errorf("%+v, want %+v", got, r)
		}
		forge(pack(longAccounts(5001)))
		differs(t, l, "closings", "accounts")
		forge(pack(accounts)[:200])
		differs(t, l, "closings", "accounts")
		if _, err := l.Closing(t.Context(), october); !errors.Is(err, errPacked) {
			t.Errorf("%v", err)
		}
	})
}

func literal(postgres bool, cell []byte) string {
	if postgres {
		return fmt.Sprintf(`'\x%x'`, cell)
	}
	return fmt.Sprintf("x'%x'", cell)
}

func differs(t *testing.T, l *Ledger, table, column string) {
	t.Helper()
	_, err := l.Verify(t.Context())
	if d, ok := errors.AsType[*Difference](err); !ok || d.Table != table || d.Column != column {
		t.Errorf("%v; want a difference in %s.%s", err, table, column)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte("accounts: []\n"))
	f.Add([]byte(packedMark))
	f.Add(pack(longAccounts(100)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := unpack(pack(b)); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%q comes back as %q, %v", b, got, err)
		}
		if content, err := unpack(b); err == nil && bytes.HasPrefix(b, []byte(packedMark)) {
			if again, err := unpack(pack(content)); err != nil || !bytes.Equal(again, content) {
				t.Errorf("%q: %v", content, err)
			}
		}
		for i := range min(len(b), 40) { // what is cut is damaged, or short enough not to be packed
			if content, err := unpack(b[:i]); err == nil && !bytes.Equal(content, b[:i]) {
				t.Errorf("%q is read as %q", b[:i], content)
			}
		}
	})
}
