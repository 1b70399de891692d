package token

import (
	"strings"
	"testing"
)

func TestToken(t *testing.T) {
	text, id := New("hck")
	got, h, ok := Of("hck", text)
	if !ok || got != id {
		t.Fatalf("%s: id %q, %v; want %q", text, got, ok, id)
	}
	other, _ := New("hck")
	if _, o, _ := Of("hck", other); o == h || other == text {
		t.Error("two tokens are the same")
	}
	for i := range text {
		wrong := []byte(text)
		if wrong[i] = 'x'; text[i] == 'x' {
			wrong[i] = 'y'
		}
		if _, _, ok := Of("hck", string(wrong)); ok {
			t.Errorf("%s is taken for %s", wrong, text)
		}
	}
	for _, wrong := range []string{"", "hck", text[1:], text[:len(text)-1], text + "x", "hct" + text[3:], strings.ToUpper(text)} {
		if _, _, ok := Of("hck", wrong); ok {
			t.Errorf("%q is taken", wrong)
		}
	}
	b, _ := h.MarshalText()
	var back Hash
	if err := back.UnmarshalText(b); err != nil || back != h {
		t.Errorf("%s comes back as %s: %v", h, back, err)
	}
	if back.UnmarshalText(b[1:]) == nil || back.UnmarshalText(append(b, '0', '0')) == nil {
		t.Error("a hash of another length is taken")
	}
}
