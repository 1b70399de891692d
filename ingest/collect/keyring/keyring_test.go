package keyring

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var noon = time.Date(2026, 10, 3, 12, 0, 0, 0, time.UTC)

func check(t *testing.T, path, text string, at time.Time) error {
	t.Helper()
	keys, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	k, err := keys.Check(text, at)
	if err == nil && (k.App != "app-001" || k.Rate != 7) {
		t.Errorf("key %+v", k)
	}
	return err
}

func TestLifeOfAKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "collect.keys")
	if err := check(t, path, "hck_x", noon); !errors.Is(err, ErrMalformed) {
		t.Errorf("no keys: %v", err)
	}
	first, err := Create(path, Key{Name: "android", App: "app-001", Rate: 7}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := check(t, path, first, noon); err != nil {
		t.Error(err)
	}
	if err := check(t, path, first[:len(first)-1], noon); !errors.Is(err, ErrMalformed) {
		t.Errorf("a letter is lost: %v", err)
	}
	if _, err := Create(path, Key{Name: "android", App: "app-002"}, noon); !errors.Is(err, ErrTaken) {
		t.Errorf("another of that name: %v", err)
	}
	second, err := Rotate(path, "android", time.Hour, noon)
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Time]error{noon.Add(time.Hour - time.Second): nil, noon.Add(time.Hour): ErrEnded} {
		if err := check(t, path, first, at); !errors.Is(err, want) {
			t.Errorf("the old one at %v: %v, want %v", at, err, want)
		}
		if err := check(t, path, second, at); err != nil {
			t.Errorf("the new one at %v: %v", at, err)
		}
	}
	if err := Revoke(path, "android", noon); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{first, second} {
		if err := check(t, path, text, noon); !errors.Is(err, ErrEnded) {
			t.Errorf("revoked: %v", err)
		}
	}
	if err := Revoke(path, "android", noon); !errors.Is(err, ErrNoSuch) {
		t.Errorf("revoked twice: %v", err)
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), first) || strings.Contains(string(text), second) {
		t.Errorf("the file holds a key: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// Many at once lose none.
func TestKeysMadeAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "collect.keys")
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if _, err := Create(path, Key{Name: string(rune('a' + i)), App: "app-001"}, noon); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if keys, err := Read(path); err != nil || len(keys.All) != 20 {
		t.Errorf("%d keys, %v", len(keys.All), err)
	}
}

// A door sees new keys within a second; a file that is gone or spoilt takes nothing from it and gives nothing.
func TestWatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "collect.keys")
	var troubles int
	w, err := Open(path, func(error) { troubles++ })
	if err != nil || len(w.Keys(noon).All) != 0 {
		t.Fatal(err)
	}
	if _, err := Create(path, Key{Name: "a", App: "app-001"}, noon); err != nil {
		t.Fatal(err)
	}
	if n := len(w.Keys(noon.Add(999 * time.Millisecond)).All); n != 0 {
		t.Errorf("%d keys before a second is over", n)
	}
	if n := len(w.Keys(noon.Add(time.Second)).All); n != 1 {
		t.Errorf("%d keys after a second", n)
	}
	for i, spoil := range []func() error{
		func() error { return os.WriteFile(path, []byte("{"), 0o600) },
		func() error { return os.Remove(path) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if n := len(w.Keys(noon.Add(time.Duration(i+2) * time.Second)).All); n != 1 || troubles != i+1 {
			t.Errorf("%d keys, %d troubles", n, troubles)
		}
	}
}

// Every app of many may have its key.
func TestManyKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	err := change(path, func(k *Keys) error {
		for i := range 10_000 {
			k.add(Key{Name: fmt.Sprint("key ", i), App: fmt.Sprint("app-", i)}, time.Now())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := Create(path, Key{Name: "one more", App: "a"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if k, err := keys.Check(text, time.Now()); err != nil || k.App != "a" || len(keys.All) != 10_001 {
		t.Errorf("%d keys, %v", len(keys.All), err)
	}
}
