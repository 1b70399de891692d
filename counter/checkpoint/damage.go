package checkpoint

import (
	"errors"
	"fmt"
)

var (
	// ErrDamaged says that a file is not what was written: cut short, or with bits that changed.
	ErrDamaged = errors.New("damaged")
	// ErrVersion says that a sound file is of a format version that this program does not know.
	ErrVersion = errors.New("unknown format version")
)

// damage is an ErrDamaged in a file, from a place on.
func damage(file string, at int64, format string, args ...any) error {
	return fmt.Errorf("%s: %w: at byte %d: %s", file, ErrDamaged, at, fmt.Sprintf(format, args...))
}

// unknownVersion is an ErrVersion of a file.
func unknownVersion(file string, got, known int) error {
	if 0 < got && got < known {
		return fmt.Errorf("%s: %w %d, where this program reads %d: an older release has written it, whose fingerprints are others: use that release; or move state and ledger away, and have the log counted again", file, ErrVersion, got, known)
	}
	return fmt.Errorf("%s: %w %d, where this program knows up to %d: use the version of Headcount that wrote it, or a newer one", file, ErrVersion, got, known)
}
