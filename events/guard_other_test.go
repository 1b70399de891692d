//go:build !linux

package events

func guarded(b []byte) []byte { return append(make([]byte, 0, len(b)), b...) }
