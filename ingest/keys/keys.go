// Package keys makes the key files of a new installation: the GUID key, and the pair that seals are signed and checked with. It overwrites
// nothing. No key is made where anything was counted: a new GUID key would count every device again, and a new seal key does not fit the
// rules of open months.
//
//	keys.go    which files are made, and where they must not be
//	create.go  a file made whole or not at all
package keys

import (
	"context"
	"fmt"

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
// made. With newSeal, seal keys that are lost are replaced also there: open months must then be counted again.
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
	switch {
	case havePublic:
	case havePrivate:
		err = f.derivePublic()
	default:
		err = f.makePair()
	}
	if err != nil {
		return nil, err
	}
	made := []Made{{"GUID key", f.GUID, !haveGUID}, {"seal public key", f.SealPublic, !havePublic}}
	if havePrivate || !havePublic {
		made = append(made, Made{"seal key", f.Seal, !havePrivate && !havePublic})
	}
	return made, nil
}

func (f Files) makePair() error {
	private, public, err := signed.GenerateKey()
	if err != nil {
		return err
	}
	if _, err := Create(f.Seal, 0o600, private); err != nil {
		return err
	}
	_, err = Create(f.SealPublic, 0o644, public)
	return err
}

// derivePublic makes the public key of the private one.
func (f Files) derivePublic() error {
	private, err := signed.LoadSealKey(f.Seal)
	if err != nil {
		return &BadSealKeyError{err}
	}
	public, err := signed.MarshalPublicKey(private)
	if err != nil {
		return err
	}
	_, err = Create(f.SealPublic, 0o644, public)
	return err
}
