// Package keyring holds the keys by which senders are let in at the HTTP door: each is for one app. Kept are names and hashes, in one file
// that is replaced as a whole; a running door sees a change within a second. A key is shown once, when it is made.
package keyring

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"headcount/internal/appid"
	"headcount/internal/durable"
	"headcount/internal/secret"
	"headcount/internal/token"
)

// Prefix begins every key.
const Prefix = "hck"

// Key is one that was made. Times are UTC, to the second.
type Key struct {
	ID      string     `json:"id"`   // the letters behind the prefix, which may be shown
	Name    string     `json:"name"` // who has it; a rotated key keeps it
	App     string     `json:"app"`
	Rate    int        `json:"rate,omitempty"` // events a second; 0: no limit
	Created time.Time  `json:"created"`
	Until   *time.Time `json:"until,omitempty"` // it opens before that; nil: until it is revoked
	Hash    token.Hash `json:"hash"`
}

// Ended says whether the key opens nothing any longer at a time.
func (k *Key) Ended(at time.Time) bool { return k.Until != nil && !at.Before(*k.Until) }

// The refusals of Check, and what is wrong with a name.
var (
	ErrMalformed = errors.New("is no key, or a letter of it is lost")
	ErrUnknown   = errors.New("is not known")
	ErrEnded     = errors.New("was revoked, or its time after a rotation is over")
	ErrTaken     = errors.New("there is a key of that name")
	ErrNoSuch    = errors.New("there is no key of that name or id")
)

// Plain says whether a text can be an app's id, or a key's name: 1–64 bytes of UTF-8 without control characters, and no spaces around it.
func Plain(s string) bool {
	return s != "" && len(s) <= appid.MaxBytes && utf8.ValidString(s) && strings.TrimSpace(s) == s && !strings.ContainsFunc(s, unicode.IsControl)
}

// Keys are all of a file. The zero value has none. Not changed after it was read: safe for concurrent use.
type Keys struct {
	All []Key // in the order in which they were made
}

type document struct {
	Version int   `json:"version"`
	Keys    []Key `json:"keys"`
}

// mostBytes is what the file may have: about 200,000 keys.
const mostBytes = 64 << 20

// Read reads the file at path; one that is not there holds none. It must be its owner's alone.
func Read(path string) (*Keys, error) {
	data, err := secret.ReadUpTo(mostBytes, path, "collector's keys")
	if errors.Is(err, fs.ErrNotExist) {
		return &Keys{}, nil
	}
	if err != nil {
		return nil, err
	}
	var doc document
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("collector's keys %s: %w", path, err)
	}
	if doc.Version != 1 {
		return nil, fmt.Errorf("collector's keys %s: version %d; this program reads 1: a newer one wrote it", path, doc.Version)
	}
	return &Keys{doc.Keys}, nil
}

// Check finds the key of a text that opens at a time. ErrMalformed, ErrUnknown, ErrEnded; they never hold the text.
func (k *Keys) Check(text string, at time.Time) (*Key, error) {
	id, h, ok := token.Of(Prefix, text)
	if !ok {
		return nil, ErrMalformed
	}
	i := slices.IndexFunc(k.All, func(k Key) bool { return k.ID == id })
	if i < 0 || subtle.ConstantTimeCompare(k.All[i].Hash[:], h[:]) != 1 {
		return nil, ErrUnknown
	}
	if k.All[i].Ended(at) {
		return nil, ErrEnded
	}
	return &k.All[i], nil
}

// Create makes a key and returns its text, which is kept nowhere. ErrTaken: one of that name opens still.
func Create(path string, k Key, now time.Time) (text string, err error) {
	err = change(path, func(keys *Keys) error {
		if slices.ContainsFunc(keys.All, func(old Key) bool { return old.Name == k.Name && !old.Ended(now) }) {
			return fmt.Errorf("%w: %s", ErrTaken, k.Name)
		}
		text = keys.add(k, now)
		return nil
	})
	return text, err
}

// Rotate makes a key in the place of those of a name or id, which open for as long as overlap. It returns the new one's text. ErrNoSuch.
func Rotate(path, name string, overlap time.Duration, now time.Time) (text string, err error) {
	err = change(path, func(keys *Keys) error {
		old, err := keys.end(name, now, now.Add(overlap))
		if err != nil {
			return err
		}
		text = keys.add(Key{Name: old.Name, App: old.App, Rate: old.Rate}, now)
		return nil
	})
	return text, err
}

// Revoke ends the keys of a name or id at once. ErrNoSuch.
func Revoke(path, name string, now time.Time) error {
	return change(path, func(keys *Keys) error {
		_, err := keys.end(name, now, now)
		return err
	})
}

func (k *Keys) add(key Key, now time.Time) (text string) {
	text, key.ID = token.New(Prefix)
	_, key.Hash, _ = token.Of(Prefix, text)
	key.Created, key.Until = now.UTC().Truncate(time.Second), nil
	k.All = append(k.All, key)
	return text
}

// end has the keys of a name or id that open at now do so only until a time. It returns the newest of them.
func (k *Keys) end(name string, now, until time.Time) (newest Key, err error) {
	until = until.UTC().Truncate(time.Second)
	found := false
	for i := range k.All {
		key := &k.All[i]
		if key.Name != name && key.ID != strings.TrimPrefix(name, Prefix+"_") || key.Ended(now) {
			continue
		}
		newest, found = *key, true
		if key.Until == nil || until.Before(*key.Until) {
			key.Until = &until
		}
	}
	if !found {
		return newest, fmt.Errorf("%w: %s", ErrNoSuch, name)
	}
	return newest, nil
}

// change reads, changes and replaces the file; two at a time wait for each other.
func change(path string, f func(*Keys) error) error {
	if err := durable.MakeFolder(filepath.Dir(path)); err != nil {
		return err
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	keys, err := Read(path)
	if err != nil {
		return err
	}
	if err := f(keys); err != nil {
		return err
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetIndent("", "  ")
	if err := e.Encode(document{1, keys.All}); err != nil {
		return err
	}
	if text.Len() > mostBytes { // which nobody would read again
		return fmt.Errorf("collector's keys %s: %d keys are more than it may have", path, len(keys.All))
	}
	return durable.Replace(path, func(w io.Writer) error {
		_, err := w.Write(text.Bytes())
		return err
	})
}
