//go:build purego || !amd64

package identity

// sealAll turns inputs into fingerprints in place.
func (k *GUIDKey) sealAll(blocks []Fingerprint) { k.sealPlain(blocks) }
