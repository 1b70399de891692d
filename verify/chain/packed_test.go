package chain

import (
	"bytes"
	"path/filepath"
	"testing"
)

// What the other tests read as one content lies packed, and what is damaged in it is found.
func TestPacked(t *testing.T) {
	at := "sqlite://" + filepath.Join(t.TempDir(), "ledger.db")
	_, mine := full(t, at)
	var cell []byte
	err := mine.each(t.Context(), "SELECT accounts FROM closings WHERE month = '2026-11'", nil, func(scan func(...any) error) error { return scan(&cell) })
	if err != nil || !bytes.HasPrefix(cell, []byte(packedBegin)) || len(cell) > len(longAccounts())/5 {
		t.Fatalf("%d bytes %.10q, %v", len(cell), cell, err)
	}
	if text, err := document(cell); err != nil || !bytes.Equal(text, longAccounts()) {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	for _, damaged := range [][]byte{cell[:len(packedBegin)], cell[:len(cell)/2], append(bytes.Clone(cell), 0), bytes.Replace(cell, cell[len(packedBegin):][:1], []byte{cell[len(packedBegin)] ^ 1}, 1)} {
		if text, err := document(damaged); err == nil {
			t.Errorf("%d damaged bytes are read as %d", len(damaged), len(text))
		}
	}
}

// FuzzDocument reads cells: what is damaged is an error, never a panic.
func FuzzDocument(f *testing.F) {
	f.Add([]byte("accounts: []\n"))
	f.Add([]byte(packedBegin + "\x05"))
	f.Add([]byte(packedBegin + "\x01\x01\x01\x00\xfe\xffa"))
	f.Fuzz(func(t *testing.T, cell []byte) {
		text, err := document(cell)
		if err == nil && !bytes.HasPrefix(cell, []byte(packedBegin)) && !bytes.Equal(text, cell) {
			t.Errorf("%q is read as %q", cell, text)
		}
	})
}
