//go:build !purego

package events

// parseHyphenated reads the form 8-4-4-4-12.
func parseHyphenated(u *[16]byte, g []byte) bool {
	if !vectors {
		return hyphenatedPlain(u, g)
	}
	_ = g[35]
	return hyphenatedVector(u, &g[0])
}

// hyphenatedVector is hyphenatedPlain, all digits at once.
//
//go:noescape
func hyphenatedVector(u *[16]byte, text *byte) bool
