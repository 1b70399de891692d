package keys

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Which keys are made, and which refused, by what is there.
func TestMake(t *testing.T) {
	down := errors.New("down")
	for _, c := range []struct {
		name    string
		lose    []string
		used    string
		unseen  error // inUse fails
		newSeal bool
		refused func(error) bool // nil: it is made
		asks    bool
		made    []string
	}{
		{name: "all is there"},
		{name: "new", lose: []string{"guid", "seal", "pub"}, asks: true, made: []string{"GUID key", "seal public key", "seal key"}},
		{name: "public key of the private one", lose: []string{"pub"}, used: "the state", made: []string{"seal public key"}},
		{name: "a host that does not close", lose: []string{"seal"}, used: "the state"},
		{name: "GUID key lost", lose: []string{"guid"}, used: "the state", asks: true, refused: is[*LostGUIDKeyError]},
		{name: "all lost", lose: []string{"guid", "seal", "pub"}, used: "the state", newSeal: true, asks: true, refused: is[*LostGUIDKeyError]},
		{name: "seal keys lost", lose: []string{"seal", "pub"}, used: "the state", asks: true, refused: is[*LostSealKeysError]},
		{name: "seal keys lost, new ones wanted", lose: []string{"seal", "pub"}, used: "the state", newSeal: true, made: []string{"seal public key", "seal key"}},
		{name: "private seal key lost, new ones wanted", lose: []string{"seal"}, used: "the state", newSeal: true, made: []string{"seal public key", "seal key", "former public key"}},
		{name: "not known whether anything was counted", lose: []string{"guid"}, unseen: down, asks: true, refused: func(err error) bool { return errors.Is(err, down) }},
	} {
		dir := t.TempDir()
		f := Files{GUID: filepath.Join(dir, "guid"), Seal: filepath.Join(dir, "seal"), SealPublic: filepath.Join(dir, "pub")}
		if _, err := f.Make(t.Context(), false, func(context.Context) (string, error) { return "", nil }); err != nil {
			t.Fatal(err)
		}
		for _, name := range c.lose {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		asked := false
		made, err := f.Make(t.Context(), c.newSeal, func(context.Context) (string, error) {
			asked = true
			return c.used, c.unseen
		})
		if asked != c.asks {
			t.Errorf("%s: asked what is in use: %v", c.name, asked)
		}
		if c.refused != nil {
			if !c.refused(err) {
				t.Errorf("%s: got %T %v", c.name, err, err)
			}
			for _, name := range c.lose {
				if Exists(filepath.Join(dir, name)) {
					t.Errorf("%s: it is refused, and %s was made", c.name, name)
				}
			}
			continue
		}
		var created []string
		for _, m := range made {
			if m.Created {
				created = append(created, m.What)
			}
		}
		if err != nil || len(created) != len(c.made) {
			t.Errorf("%s: made %v, %v, want %v", c.name, created, err, c.made)
		}
		for i := range min(len(created), len(c.made)) {
			if created[i] != c.made[i] {
				t.Errorf("%s: made %v, want %v", c.name, created, c.made)
			}
		}
	}
}

func TestBadSealKey(t *testing.T) {
	dir := t.TempDir()
	f := Files{GUID: filepath.Join(dir, "guid"), Seal: filepath.Join(dir, "seal"), SealPublic: filepath.Join(dir, "pub")}
	if err := os.WriteFile(f.Seal, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := f.Make(t.Context(), false, func(context.Context) (string, error) { return "", nil })
	if !is[*BadSealKeyError](err) || Exists(f.SealPublic) {
		t.Errorf("got %T %v", err, err)
	}
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
