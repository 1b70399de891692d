package identity

import (
	"strings"
	"testing"
)

func TestPlaceholders(t *testing.T) {
	p, err := NewPlaceholders(append([]string{"Unset", "DEADBEEF-0000-0000-0000-000000000001", "ünset"}, DefaultPlaceholders...))
	if err != nil {
		t.Fatal(err)
	}
	none, err := NewPlaceholders(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		id   string
		want bool
	}{
		{"00000000-0000-0000-0000-000000000000", true}, {"{00000000000000000000000000000000}", true}, {"URN:uuid:00000000-0000-0000-0000-000000000000", true},
		{"FFFFFFFF-ffff-FFFF-ffff-ffffffffffff", true}, {"deadbeef000000000000000000000001", true},
		{"00000000-0000-0000-0000-000000000001", false}, {"ffffffff-ffff-ffff-ffff-fffffffffffe", false}, {"deadbeef000000000000000000000002", false},
		{"0fffffff-ffff-ffff-ffff-ffffffffffff", false}, {"6f1c2f0e-7e5c-4b7e-9b1f-1f0e2d3c4b5a", false},
		{"undefined", true}, {"Undefined", true}, {"NULL", true}, {"(null)", true}, {"none", true}, {"Nil", true}, {"unknown", true}, {"anonymous", true}, {"0", true}, {"-1", true},
		{"unset", true}, {"ÜNSET", true},
		{"00", false}, {"1", false}, {"undefined1", false}, {"null ", false}, {strings.Repeat("x", 128), false}, {strings.Repeat("0", 32), true},
	} {
		var s IDs
		for _, user := range []bool{false, true} {
			var id ID
			if user {
				s.User(&id, []byte(tt.id))
			} else {
				s.Device(&id, []byte(tt.id))
			}
			if got := p.Has(&id, []byte(tt.id)); got != tt.want {
				t.Errorf("%q, user %v: %v, want %v", tt.id, user, got, tt.want)
			}
			if none.Has(&id, []byte(tt.id)) {
				t.Errorf("%q is one where there are none", tt.id)
			}
		}
	}
	for _, bad := range []string{"", " x", "x\n", "a\x00", "\xff", strings.Repeat("x", 129)} {
		if _, err := NewPlaceholders([]string{bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestTrim(t *testing.T) {
	for text, want := range map[string]string{"": "", " ": "", "a": "a", " a": "a", "a\t": "a", " \t\n\v\f\ra b \r\n": "a b", "\u00a0a": "\u00a0a", "\x00a": "\x00a", "a\x1f": "a\x1f"} {
		if got := string(Trim([]byte(text))); got != want {
			t.Errorf("Trim(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestCanonical: an id in all its spellings has one key.
func TestCanonical(t *testing.T) {
	for text, want := range map[string]string{
		"6F1C2F0E-7E5C-4B7E-9B1F-1F0E2D3C4B5A": "6f1c2f0e-7e5c-4b7e-9b1f-1f0e2d3c4b5a", " {6f1c2f0e7e5c4b7e9b1f1f0e2d3c4b5a}\n": "6f1c2f0e-7e5c-4b7e-9b1f-1f0e2d3c4b5a",
		"URN:UUID:6f1c2f0e-7e5c-4b7e-9b1f-1f0e2d3c4b5a": "6f1c2f0e-7e5c-4b7e-9b1f-1f0e2d3c4b5a", "Phone 7 ": "Phone 7", "": "",
	} {
		if got := string(Canonical([]byte(text))); got != want {
			t.Errorf("Canonical(%q) = %q, want %q", text, got, want)
		}
	}
}
