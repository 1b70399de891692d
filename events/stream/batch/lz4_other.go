//go:build purego || !amd64

package batch

func lz4Unpack(dst []byte, at, low int, src []byte) (int, bool) { return lz4Library(dst, at, low, src) }
