//go:build purego || !amd64

package identity

func parseHyphenated(u *[16]byte, g []byte) bool { return hyphenatedPlain(u, g) }
