package identity

import (
	"crypto/aes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const fixedGUID = "6f1c2f0e-7e5c-4b7e-9b1f-1f0e2d3c4b5a"

func uuidOf(guid []byte) (u [16]byte, ok bool) {
	ok = parseUUID(&u, guid)
	return u, ok
}

func fixedKey() *GUIDKey {
	return NewGUIDKey([16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
}

func TestUUIDForms(t *testing.T) {
	const hyphenated, plain = "6f1c2f0e-7e5c-4b7e-9b1f-1f0e2d3c4b5a", "6f1c2f0e7e5c4b7e9b1f1f0e2d3c4b5a"
	want, _ := hex.DecodeString(plain)
	tests := []struct {
		guid string
		uuid bool
	}{
		{hyphenated, true},
		{plain, true},
		{strings.ToUpper(hyphenated), true},
		{strings.ToUpper(plain), true},
		{"6F1c2f0E-7e5C-4b7e-9B1f-1f0e2d3c4b5A", true},
		{"{" + hyphenated + "}", true},
		{"{" + plain + "}", true},
		{"urn:uuid:" + hyphenated, true},
		{"urn:uuid:" + plain, true},
		{"urn:uuid:" + strings.ToUpper(plain), true},

		{" " + hyphenated, false},
		{hyphenated + " ", false},
		{hyphenated + "\n", false},
		{"{" + hyphenated, false},
		{hyphenated + "}", false},
		{"(" + hyphenated + ")", false},
		{"{{" + plain + "}}", false},
		{"{urn:uuid:" + hyphenated + "}", false},
		{"urn:uuid:{" + hyphenated + "}", false},
		{"urn:uuid:{" + plain + "}", false},
		{"{{" + plain + "}" + "}  ", false},
		{"urn:uuid:urn:uuid:" + plain, false},
		{"URN:UUID:" + hyphenated, false},
		{"urn:guid:" + hyphenated, false},
		{"6f1c2f0e7-e5c-4b7e-9b1f-1f0e2d3c4b5a", false},
		{"6f1c2f0e-7e5c-4b7e-9b1f1f0e2d3c4b5a-", false},
		{"6f1c2f0e-7e5c4b7e9b1f1f0e2d3c4b5a", false},
		{"6f1c2f0e-7e5c-4b7e-9b1f-1f0e2d3c4b5g", false},
		{"6f1c2f0e7e5c4b7e9b1f1f0e2d3c4b5", false},
		{"6f1c2f0e7e5c4b7e9b1f1f0e2d3c4b5aa", false},
		{"6f1c2f0e7e5c4b7e9b1f1f0e2d3c4b5\xe9", false},
		{"0x1c2f0e7e5c4b7e9b1f1f0e2d3c4b5a", false},
		{"", false},
	}
	for _, tt := range tests {
		got, ok := uuidOf([]byte(tt.guid))
		if ok != tt.uuid || ok && string(got[:]) != string(want) {
			t.Errorf("parseUUID(%q) = %x, %v; want a UUID: %v", tt.guid, got, ok, tt.uuid)
		}
	}
}

// TestUUIDEveryByte puts every byte at every place of a UUID and compares with reading hex the plain way.
func TestUUIDEveryByte(t *testing.T) {
	for _, form := range []string{"6f1c2f0e-7e5c-4b7e-9b1f-1f0e2d3c4b5a", "6f1c2f0e7e5c4b7e9b1f1f0e2d3c4b5a"} {
		for at := range len(form) {
			for c := range 256 {
				g := []byte(form)
				g[at] = byte(c)
				digits := strings.ReplaceAll(string(g), "-", "")
				want, err := hex.DecodeString(digits)
				ok := err == nil && len(want) == 16 && (len(g) == 32 || g[8] == '-' && g[13] == '-' && g[18] == '-' && g[23] == '-')
				got, gotOK := uuidOf(g)
				if gotOK != ok || ok && string(got[:]) != string(want) {
					t.Fatalf("parseUUID(%q) = %x, %v; want %x, %v", g, got, gotOK, want, ok)
				}
			}
		}
	}
}

func TestFingerprintIsAESXORInput(t *testing.T) {
	raw := [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	k := NewGUIDKey(raw)
	block, _ := aes.NewCipher(raw[:])
	plain := func(in []byte) (f Fingerprint) {
		block.Encrypt(f[:], in)
		for i := range f {
			f[i] ^= in[i]
		}
		return f
	}
	uuid, _ := hex.DecodeString("6f1c2f0e7e5c4b7e9b1f1f0e2d3c4b5a")
	opaque := func(s string) []byte { sum := sha256.Sum256([]byte(s)); return sum[:16] }
	check := func(name string, got Fingerprint, ok bool, in []byte) {
		t.Helper()
		if want := plain(in); !ok || got != want {
			t.Errorf("%s: got %s, %v; want %s", name, got, ok, want)
		}
	}
	f, ok := k.Device([]byte("{6F1C2F0E-7E5C-4B7E-9B1F-1F0E2D3C4B5A}"))
	check("uuid", f, ok, uuid)
	f, ok = k.Device([]byte("device 1"))
	check("opaque", f, ok, opaque("device\x00device 1"))
	f, ok = k.User([]byte("device 1"))
	check("user", f, ok, opaque("user\x00device 1"))
	f, ok = k.User([]byte("6f1c2f0e-7e5c-4b7e-9b1f-1f0e2d3c4b5a"))
	check("user with the id of a UUID", f, ok, opaque("user\x006f1c2f0e-7e5c-4b7e-9b1f-1f0e2d3c4b5a"))

	for n, want := range map[int]bool{0: false, 1: true, 128: true, 129: false} {
		id := []byte(strings.Repeat("x", n))
		if _, ok := k.Device(id); ok != want {
			t.Errorf("device of %d bytes: %v, want %v", n, ok, want)
		}
		if _, ok := k.User(id); ok != want {
			t.Errorf("user of %d bytes: %v, want %v", n, ok, want)
		}
	}
}

// TestFingerprintIsFixed holds values of the first release: state at rest is made of them.
func TestFingerprintIsFixed(t *testing.T) {
	k := fixedKey()
	device, _ := k.Device([]byte(fixedGUID))
	opaque, _ := k.Device([]byte("device 1"))
	user, _ := k.User([]byte("device 1"))
	got := strings.Join([]string{k.ID(), device.String(), opaque.String(), user.String()}, "\n")
	const want = `b25fd0adfbbde6bb
363da7af3540fb28f9b2536fa1b1e876
53320c6444087213f2d8b8e6251017fa
e164916db03d67f914885c199adf05f5`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFingerprintText(t *testing.T) {
	f, _ := fixedKey().Device([]byte(fixedGUID))
	back, err := ParseFingerprint(f.String())
	if err != nil || back != f {
		t.Errorf("ParseFingerprint(%s) = %s, %v", f, back, err)
	}
	for _, s := range []string{"", "00", strings.ToUpper(f.String()), f.String() + "0", strings.Repeat("g", 32)} {
		if _, err := ParseFingerprint(s); err == nil {
			t.Errorf("ParseFingerprint(%q) succeeds", s)
		}
	}
}

func TestHashesShareNoBit(t *testing.T) {
	var f Fingerprint
	for bit := range 128 {
		g := f
		g[bit/8] ^= 1 << (bit % 8)
		if a, b := g.Hash() != f.Hash(), g.SketchHash() != f.SketchHash(); a == b {
			t.Errorf("bit %d is in both hashes, or in none", bit)
		}
	}
}

func TestKeyring(t *testing.T) {
	a, b := strings.Repeat("0a", 16), strings.Repeat("0B", 16)
	r, err := ParseKeyring([]byte("# old\n" + a + "\n\n  " + b + "\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	old, newest := NewGUIDKey([16]byte(bytesOf(0x0a))), NewGUIDKey([16]byte(bytesOf(0x0b)))
	if r.Newest().ID() != newest.ID() || !r.Newest().Equal(newest) {
		t.Errorf("newest is %s, want the last line's %s", r.Newest().ID(), newest.ID())
	}
	if k := r.Find(old.ID()); k == nil || !k.Equal(old) {
		t.Errorf("Find(%s) = %v", old.ID(), k)
	}
	if k := r.Find("0000000000000000"); k != nil {
		t.Errorf("Find of an unknown id = %v", k)
	}

	for _, tt := range []struct{ name, file, want string }{
		{"empty", "", "no key"},
		{"comments only", "# x\n", "no key"},
		{"short", a + "\n0a0a\n", "line 2: 4 characters"},
		{"long", a + "0", "line 1: 33 characters"},
		{"no hex", a[:31] + "x", "line 1: a key has hex digits"},
		{"twice", a + "\n" + b + "\n" + strings.ToUpper(a), "line 3: key " + old.ID()},
	} {
		_, err := ParseKeyring([]byte(tt.file))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q in it", tt.name, err, tt.want)
		} else if strings.Contains(strings.ToLower(err.Error()), a[:31]) {
			t.Errorf("%s: the error shows the key: %v", tt.name, err)
		}
	}
}

func bytesOf(c byte) []byte { return []byte(strings.Repeat(string(rune(c)), 16)) }

func TestLoadKeyring(t *testing.T) {
	path := filepath.Join(t.TempDir(), "guid.key")
	if _, err := LoadKeyring(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v, want fs.ErrNotExist", err)
	}
	line := GenerateGUIDKey()
	if err := os.WriteFile(path, []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []fs.FileMode{0o600, 0o400} {
		os.Chmod(path, mode)
		if _, err := LoadKeyring(path); err != nil {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o660, 0o644, 0o700, 0o601} {
		os.Chmod(path, mode)
		if _, err := LoadKeyring(path); err == nil || !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Errorf("mode %04o: %v, want a refusal with its remedy", mode, err)
		}
	}
	if _, err := LoadKeyring(filepath.Dir(path)); err == nil {
		t.Error("a folder is taken for a key file")
	}
	os.Chmod(path, 0o600)
	os.WriteFile(path, []byte("x"), 0o600)
	if _, err := LoadKeyring(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v does not name the file", err)
	}
}

func TestKeysAreNotPrinted(t *testing.T) {
	k := fixedKey()
	for _, s := range []string{fmt.Sprint(k), fmt.Sprintf("%v", k), fmt.Sprintf("%+v", k), fmt.Sprintf("%#v", k)} {
		if s != "guid key "+k.ID() {
			t.Errorf("a key prints as %q", s)
		}
	}
}

func TestGenerateGUIDKey(t *testing.T) {
	a, b := GenerateGUIDKey(), GenerateGUIDKey()
	if a == b {
		t.Error("two generated keys are the same")
	}
	if _, err := ParseKeyring([]byte(a + "\n" + b)); err != nil {
		t.Error(err)
	}
}
