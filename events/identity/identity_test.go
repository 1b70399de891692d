package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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
		{"URN:UUID:" + hyphenated, true},
		{"Urn:Uuid:" + hyphenated, true},
		{"urn:guid:" + hyphenated, false},
		{"6f1c2f0e7-e5c-4b7e-9b1f-1f0e2d3c4b5a", false},
		{"6f1c2f0e-7e5c-4b7e-9b1f1f0e2d3c4b5a-", false},
		{"6f1c2f0e-7e5c4b7e9b1f1f0e2d3c4b5a", false},
		{"6f1c2f0e-7e5c-4b7e-9b1f-1f0e2d3c4b5g", false},
		{"6f1c2f0e7e5c4b7e9b1f1f0e2d3c4b5", false},
		{"6f1c2f0e7e5c4b7e9b1f1f0e2d3c4b5aa", false},
		{"6f1c2f0e7e5c4b7e9b1f1f0e2d3c4b5\xe9", false},
		{"0x1c2f0e7e5c4b7e9b1f1f0e2d3c4b5a", false},
		{"urn:uuid:6f1c2f0e-7e5c-4b7e-9b1f-1f0e2d3c4b5", false},
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

// TestLengths wants ids of 1 to 128 bytes.
func TestLengths(t *testing.T) {
	a := fixedKey().App("app-001")
	for n, want := range map[int]bool{0: false, 1: true, 128: true, 129: false} {
		id := []byte(strings.Repeat("x", n))
		if _, ok := a.Device(id); ok != want {
			t.Errorf("device of %d bytes: %v, want %v", n, ok, want)
		}
		if _, ok := a.User(id); ok != want {
			t.Errorf("user of %d bytes: %v, want %v", n, ok, want)
		}
	}
}

// TestAppsShareNothing: whoever sends an id that he knows, under an app of his own, does not see the fingerprint that it has in another.
// Nor is there one app whose name and population run into another's.
func TestAppsShareNothing(t *testing.T) {
	k := fixedKey()
	seen := map[Fingerprint]string{}
	for _, app := range []string{"app-001", "app-002", "app-0011", "a", "uuid", "user", "opaque", "app-001 "} {
		a := k.App(app)
		for _, id := range []string{fixedGUID, "device 1", "x"} {
			device, _ := a.Device([]byte(id))
			user, _ := a.User([]byte(id))
			for what, f := range map[string]Fingerprint{"device": device, "user": user} {
				name := what + " " + id + " in " + app
				if other := seen[f]; other != "" {
					t.Errorf("%s has the fingerprint of %s", name, other)
				}
				seen[f] = name
			}
		}
	}
}

// TestPopulationsAreApart: anybody can make the 16 bytes that stand for a user or an opaque id, and send a UUID of these. It meets
// neither.
func TestPopulationsAreApart(t *testing.T) {
	a := fixedKey().App("app-001")
	for _, population := range []string{"user", "opaque", "device"} {
		sum := sha256.Sum256([]byte(population + "\x00someone"))
		crafted, _ := a.Device(hex.AppendEncode(nil, sum[:16]))
		user, _ := a.User([]byte("someone"))
		opaque, _ := a.Device([]byte("someone"))
		if crafted == user || crafted == opaque || user == opaque {
			t.Errorf("a UUID of the %s population's bytes has fingerprint %s, the user %s, the device %s", population, crafted, user, opaque)
		}
	}
	// The same bytes, of three populations: what nobody can send, but for the hash.
	var seen []Fingerprint
	for p := range Population(populations) {
		f := a.Fingerprint(&ID{[16]byte{1, 2, 3}, p})
		if slices.Contains(seen, f) {
			t.Errorf("population %s has the fingerprint of another", p)
		}
		seen = append(seen, f)
	}
}

// TestUserIDsAreNeverUUIDs: the spellings of a UUID are one device, and as many users.
func TestUserIDsAreNeverUUIDs(t *testing.T) {
	a := fixedKey().App("app-001")
	spellings := []string{fixedGUID, strings.ToUpper(fixedGUID), "{" + fixedGUID + "}", "urn:uuid:" + fixedGUID, strings.ReplaceAll(fixedGUID, "-", "")}
	devices, users := map[Fingerprint]bool{}, map[Fingerprint]bool{}
	for _, s := range spellings {
		device, _ := a.Device([]byte(s))
		user, _ := a.User([]byte(s))
		devices[device], users[user] = true, true
	}
	if len(devices) != 1 || len(users) != len(spellings) {
		t.Errorf("%d spellings are %d devices and %d users", len(spellings), len(devices), len(users))
	}
}

func TestFingerprintText(t *testing.T) {
	a := fixedKey().App("app-001")
	f, _ := a.Device([]byte(fixedGUID))
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
