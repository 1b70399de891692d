package ledger

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"
)

// TestCopy takes a ledger with everything in it from SQLite to PostgreSQL: the same chain and rows, which go on there.
func TestCopy(t *testing.T) {
	u := postgresURL(t)
	from := full(t, "sqlite://"+filepath.Join(t.TempDir(), "ledger.db"))
	want := verified(t, from)
	got, err := from.Copy(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("copied %+v, want %+v", got, want)
	}
	to, err := Open(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	var a, b bytes.Buffer
	if err := errors.Join(from.Export(t.Context(), &a), to.Export(t.Context(), &b)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) || a.Len() == 0 {
		t.Error("the exports differ")
	}
	if _, err := from.Copy(t.Context(), u); !errors.Is(err, ErrExists) {
		t.Errorf("a second copy: %v", err)
	}
	if err := to.Guards(t.Context()); err != nil {
		t.Errorf("the copy's guards: %v", err)
	}
	verified(t, to, want.Head)
	if _, err := from.Copy(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "other.db")); err == nil {
		t.Error("a copy onto SQLite was made")
	}
}

// TestCopyOfAForgedLedger: what is not what its chain says is not copied, and nothing is left of the try.
func TestCopyOfAForgedLedger(t *testing.T) {
	u := postgresURL(t)
	file := "sqlite://" + filepath.Join(t.TempDir(), "ledger.db")
	from := full(t, file)
	f := newForger(t, file)
	f.forge("UPDATE results SET apps = apps + 1 WHERE month = '2026-11'")
	if _, err := from.Copy(t.Context(), u); !errors.As(err, new(*Difference)) {
		t.Fatalf("copied: %v", err)
	}
	if _, err := Open(t.Context(), u); !errors.Is(err, ErrMissing) {
		t.Errorf("after a copy that failed there is a ledger: %v", err)
	}
}
