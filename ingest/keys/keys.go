// Package keys makes the key files of a new installation: the GUID key, the pair that seals are signed and checked with, and those of
// reporters. It overwrites nothing. No GUID key and no seal key is made where anything was counted: a new GUID key would count every
// device again, and a new seal key does not fit the rules of open months.
//
//	keys.go    which files are made, and where they must not be
//	create.go  a file made whole or not at all
package keys

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"headcount/events/identity"
	"headcount/events/signed"
)

// Files are where the keys lie.
type Files struct {
	GUID       string
	Seal       string // private
	SealPublic string
}

// Made is a file that was looked at.
type Made struct {
	What, Path string
	Created    bool
}

// LostGUIDKeyError says that the GUID key is missing where something was counted.
type LostGUIDKeyError struct {
	File  string
	InUse string // what holds counts
}

func (e *LostGUIDKeyError) Error() string {
	return fmt.Sprintf("GUID key file %s is missing, but %s is not empty: restore the key from its backup; a new one would count every device again", e.File, e.InUse)
}

// LostSealKeysError says that both seal keys are missing where something was counted.
type LostSealKeysError struct {
	Private, Public string // files
	InUse           string
}

func (e *LostSealKeysError) Error() string {
	return fmt.Sprintf("seal key files %s and %s are missing, but %s is not empty: restore them from their backup", e.Private, e.Public, e.InUse)
}

// BadSealKeyError says that the private seal key cannot be read.
type BadSealKeyError struct{ Err error }

func (e *BadSealKeyError) Error() string { return e.Err.Error() }
func (e *BadSealKeyError) Unwrap() error { return e.Err }

// Make makes the files that are missing. inUse names what already holds counts; empty: nothing does. It is asked only where a key is to be
// made. With newSeal, seal keys that are lost, both or the private one, are replaced also there: open months must then be counted again. A public
// key whose private one is lost is kept under another name.
//
// It returns a *LostGUIDKeyError or *LostSealKeysError, a *BadSealKeyError, a *NotWritableError, or what inUse fails with.
func (f Files) Make(ctx context.Context, newSeal bool, inUse func(context.Context) (string, error)) ([]Made, error) {
	haveGUID, havePrivate, havePublic := Exists(f.GUID), Exists(f.Seal), Exists(f.SealPublic)
	if !haveGUID || (!havePrivate && !havePublic && !newSeal) {
		used, err := inUse(ctx)
		switch {
		case err != nil:
			return nil, err
		case used != "" && haveGUID:
			return nil, &LostSealKeysError{f.Seal, f.SealPublic, used}
		case used != "":
			return nil, &LostGUIDKeyError{f.GUID, used}
		}
	}
	if !haveGUID {
		if _, err := Create(f.GUID, 0o600, []byte(identity.GenerateGUIDKey()+"\n")); err != nil {
			return nil, err
		}
	}
	var err error
	former := ""
	if newSeal && havePublic && !havePrivate {
		former, err = setAside(f.SealPublic)
		havePublic = false
	}
	switch {
	case err != nil, havePublic:
	case havePrivate:
		err = derivePublic(f.Seal, f.SealPublic, signed.LoadSealKey)
	default:
		err = makePair(f.Seal, f.SealPublic)
	}
	if err != nil {
		return nil, err
	}
	made := []Made{{"GUID key", f.GUID, !haveGUID}, {"seal public key", f.SealPublic, !havePublic}}
	if havePrivate || !havePublic {
		made = append(made, Made{"seal key", f.Seal, !havePrivate && !havePublic})
	}
	if former != "" {
		made = append(made, Made{"former public key", former, true})
	}
	return made, nil
}

// setAside gives the public key whose private one is lost another name, by which months that were sealed with it can still be held against
// it: its own, with the key's id.
func setAside(public string) (former string, err error) {
	key, err := signed.LoadSealPublicKey(public)
	if err != nil {
		return "", &BadSealKeyError{err}
	}
	sum := sha256.Sum256(key)
	before, extension := setAsideName(public)
	former = before + hex.EncodeToString(sum[:4]) + extension
	text, err := os.ReadFile(public)
	if err != nil {
		return "", err
	}
	if _, err := Create(former, 0o644, text); err != nil {
		return "", err
	}
	return former, os.Remove(public)
}

func setAsideName(public string) (before, extension string) {
	extension = filepath.Ext(public)
	return strings.TrimSuffix(public, extension) + ".", extension
}

// Former returns the files of public keys that were set aside for the one in a file, sorted.
func Former(public string) (files []string) {
	before, extension := setAsideName(public)
	entries, _ := os.ReadDir(filepath.Dir(public))
	for _, e := range entries {
		name := filepath.Join(filepath.Dir(public), e.Name())
		id, ok := strings.CutPrefix(name, before)
		id, pub := strings.CutSuffix(id, extension)
		if _, err := hex.DecodeString(id); ok && pub && err == nil && len(id) == 8 {
			files = append(files, name)
		}
	}
	return files
}

// MakeReporter makes the pair of a reporter of quantities where its public key is missing: of the private one, where that is there. It
// returns what Make does, of both files or of the public one alone.
func MakeReporter(id, private, public string) (made []Made, err error) {
	havePrivate, havePublic := Exists(private), Exists(public)
	switch {
	case havePublic:
	case havePrivate:
		err = derivePublic(private, public, signed.LoadReporterKey)
	default:
		err = makePair(private, public)
	}
	if err != nil {
		return nil, err
	}
	made = []Made{{"key of reporter " + id, public, !havePublic}}
	if havePrivate || !havePublic {
		made = append(made, Made{"its private key", private, !havePrivate && !havePublic})
	}
	return made, nil
}

func makePair(privateFile, publicFile string) error {
	private, public, err := signed.GenerateKey()
	if err != nil {
		return err
	}
	if _, err := Create(privateFile, 0o600, private); err != nil {
		return err
	}
	_, err = Create(publicFile, 0o644, public)
	return err
}

// derivePublic makes the public key of the private one.
func derivePublic(privateFile, publicFile string, load func(string) (ed25519.PrivateKey, error)) error {
	private, err := load(privateFile)
	if err != nil {
		return &BadSealKeyError{err}
	}
	public, err := signed.MarshalPublicKey(private.Public().(ed25519.PublicKey))
	if err != nil {
		return err
	}
	_, err = Create(publicFile, 0o644, public)
	return err
}
