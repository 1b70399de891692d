// Package zoneinfo holds the tz database: which clocks a place keeps, as compiled files (TZif, RFC 9636) in a zip.
//
// The one in the program is the newest release at build time (`make tzdata`). Go's own would be that of the toolchain, and
// time.LoadLocation asks the host's files first: a month's boundaries must come from neither. Another one can take its place (Open).
package zoneinfo

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"
)

//go:generate make -C ../.. tzdata
//go:embed zoneinfo.zip
var embedded []byte

// VersionFile is the member of a zip, or the file of a folder of zones, that holds nothing but the release's name.
const VersionFile = "+VERSION"

// MaxBytes is the largest file that is opened: the whole database has half a megabyte.
const MaxBytes = 16 << 20

// Database is one release of the tz database. It does not change and may be used by many goroutines.
type Database struct {
	release string
	files   *zip.Reader // nil: there is one zone
	only    []byte      // TZif of a database of one zone, whatever it is called
	zones   sync.Map    // that were loaded: reading one takes longer than making a month's rules
}

// Embedded is the database in the program.
var Embedded = sync.OnceValue(func() *Database {
	d, err := read(embedded)
	if err != nil {
		panic("the embedded tz database: " + err.Error())
	}
	return d
})

// Open reads a database from a file: a zip of TZif files named as zones are, such as Go's zoneinfo.zip; or one TZif file, which is
// then the zone, whichever is asked for.
func Open(file string) (*Database, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > MaxBytes {
		return nil, fmt.Errorf("want a file of at most %d bytes: a zip of the tz database's compiled files, or one of them", MaxBytes)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return read(data)
}

func read(data []byte) (*Database, error) {
	sum := sha256.Sum256(data)
	d := &Database{release: fmt.Sprintf("sha256:%x", sum[:8])}
	if bytes.HasPrefix(data, []byte("TZif")) {
		d.only = data
		_, err := d.Load("the zone")
		return d, err
	}
	var err error
	if d.files, err = zip.NewReader(bytes.NewReader(data), int64(len(data))); err != nil {
		return nil, errors.New("is neither a zip nor a compiled zone (TZif)")
	}
	if _, err := d.Read("Etc/UTC"); err != nil {
		return nil, errors.New("is a zip without the zone Etc/UTC: want one of the tz database's compiled files, named as zones are")
	}
	if version, err := d.member(VersionFile); err == nil {
		if name := strings.TrimSpace(string(version)); IsRelease(name) {
			d.release = name
		}
	}
	return d, nil
}

// IsRelease says whether a text has the form of a release's name: 2026f.
func IsRelease(name string) bool {
	if len(name) < 5 || len(name) > 6 {
		return false
	}
	for i := range len(name) {
		if digit := '0' <= name[i] && name[i] <= '9'; digit != (i < 4) || !digit && (name[i] < 'a' || name[i] > 'z') {
			return false
		}
	}
	return true
}

// Release is the release's name, such as 2026f; of a database that tells none, "sha256:" and the beginning of its file's hash.
func (d *Database) Release() string { return d.release }

// Read returns a zone's compiled form, by its IANA name. A name that the database does not have is fs.ErrNotExist.
func (d *Database) Read(name string) ([]byte, error) {
	if d.only != nil {
		return d.only, nil
	}
	data, err := d.member(name)
	if err == nil && !bytes.HasPrefix(data, []byte("TZif")) {
		err = fs.ErrNotExist
	}
	return data, err
}

func (d *Database) member(name string) ([]byte, error) {
	f, err := d.files.Open(name)
	if err != nil {
		return nil, fs.ErrNotExist
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxBytes))
}

// Load returns a zone by its IANA name. UTC is in every database.
func (d *Database) Load(name string) (*time.Location, error) {
	if name == "UTC" {
		return time.UTC, nil
	}
	if zone, ok := d.zones.Load(name); ok {
		return zone.(*time.Location), nil
	}
	data, err := d.Read(name)
	if err != nil {
		return nil, fmt.Errorf("time zone %q is not in the tz database: name one such as UTC, Asia/Shanghai or Europe/Berlin", name)
	}
	zone, err := time.LoadLocationFromTZData(name, data)
	if err != nil {
		return nil, fmt.Errorf("time zone %q: %w", name, err)
	}
	d.zones.Store(name, zone)
	return zone, nil
}
