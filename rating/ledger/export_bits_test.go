package ledger

import (
	"bytes"
	"path/filepath"
	"reflect"
	"testing"
)

// Every bit of an exported ledger that changes is seen, or changes nothing that is read.
func TestExportEveryBit(t *testing.T) {
	if testing.Short() {
		t.Skip("slow under the race detector")
	}
	l := full(t, "sqlite://"+filepath.Join(t.TempDir(), "ledger.db"))
	var b bytes.Buffer
	if err := l.Export(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	previous, harmless, bits := genesis, 0, 0
	kinds := map[string]bool{}
	for i, line := range bytes.Split(bytes.TrimSuffix(b.Bytes(), []byte("\n")), []byte("\n")) {
		want, wantRows, _, err := readEntry(line, int64(i)+1, previous)
		if err != nil {
			t.Fatal(err)
		}
		previous = want.hash
		if kinds[want.kind] || len(line) > 6_000 {
			continue // one of a kind; more bytes of documents show no more
		}
		kinds[want.kind] = true
		for bit := range 8 * len(line) {
			bits++
			line[bit/8] ^= 1 << (bit % 8)
			got, rows, _, err := readEntry(line, int64(i)+1, want.previous)
			line[bit/8] ^= 1 << (bit % 8)
			if err != nil {
				continue
			}
			harmless++ // a letter of a member's name, or of a \u escape, in the other case
			if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(rows, wantRows) {
				t.Fatalf("line %d (%s), bit %d of %s is not seen", i+1, want.kind, bit, line[max(0, bit/8-20):min(len(line), bit/8+20)])
			}
		}
	}
	if len(kinds) < 5 || harmless > bits/50 {
		t.Errorf("entries of %d kinds; %d of %d bits changed nothing", len(kinds), harmless, bits)
	}
	t.Logf("%d bits of entries of %d kinds; %d change nothing that is read", bits, len(kinds), harmless)
}
