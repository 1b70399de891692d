//go:build !linux

package main

import "errors"

func roomOn(string) (room, error) { return room{}, errors.ErrUnsupported }
