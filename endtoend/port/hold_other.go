//go:build !linux

package port

import "errors"

func hold() (*Kept, error) { return nil, errors.ErrUnsupported }
