//go:build !unix

package broker

import (
	"errors"
	"os"
)

// lockFile refuses: without a lock, two brokers could write the same files.
func lockFile(string) (*os.File, error) {
	return nil, errors.New("the embedded broker needs file locks as Unix has them; use Apache Kafka here")
}

// Serves does not know.
func Serves(string) (bool, error) { return true, nil }
