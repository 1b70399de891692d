//go:build !unix

package checkpoint

import (
	"errors"
	"os"
)

func lockFolder(string, bool) (*os.File, error) { return nil, errors.ErrUnsupported }
