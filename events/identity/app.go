package identity

import (
	"encoding/binary"
	"hash"
	"math/bits"
)

// App makes the fingerprints of one app: it holds the app's secrets (T, by population) and none of any other app. A value: copies are
// as good.
type App struct {
	secrets [populations][16]byte
}

// App returns what makes the fingerprints of an app. It takes some microseconds: keep it.
func (k *GUIDKey) App(app string) (a App) {
	for p := range a.secrets {
		a.secrets[p] = k.derive("fp1", populationNames[p], app)
	}
	return a
}

// Salt is what salts the sketches of one app in one month, in all partitions alike. Who sees estimates can pick ids that raise no
// register, and so make an estimate low; with another salt they raise as many as any other ids.
type Salt [16]byte

// Salt returns that of an app and a month, such as 2026-10.
func (k *GUIDKey) Salt(app, month string) Salt { return k.derive("sk1", app, month) }

// derive returns the first 16 bytes of HMAC-SHA-256 over words with a zero byte between each two. None of them has one.
func (k *GUIDKey) derive(words ...string) (first [16]byte) {
	m := k.macs.Get().(*mac)
	defer k.macs.Put(m)
	m.text = m.text[:0]
	for i, w := range words {
		if i > 0 {
			m.text = append(m.text, 0)
		}
		m.text = append(m.text, w...)
	}
	m.hash.Reset()
	m.hash.Write(m.text)
	m.sum = m.hash.Sum(m.sum[:0])
	copy(first[:], m.sum)
	return first
}

// mac is an HMAC with its scratch: to begin one takes most of its time and all of its memory.
type mac struct {
	hash      hash.Hash
	text, sum []byte
}

// Device returns the fingerprint of a device's GUID of 1–128 bytes; false for any other length.
func (a *App) Device(guid []byte) (Fingerprint, bool) {
	var s IDs
	var id ID
	if !s.Device(&id, guid) {
		return Fingerprint{}, false
	}
	return a.Fingerprint(&id), true
}

// User returns the fingerprint of a user id of 1–128 bytes; false for any other length.
func (a *App) User(user []byte) (Fingerprint, bool) {
	var s IDs
	var id ID
	if !s.User(&id, user) {
		return Fingerprint{}, false
	}
	return a.Fingerprint(&id), true
}

// Fingerprint returns the fingerprint of an id.
func (a *App) Fingerprint(id *ID) (f Fingerprint) {
	a.Mask(&f, id)
	complete(&f)
	return f
}

// Mask sets f to x ⊕ T, which Complete makes the id's fingerprint.
func (a *App) Mask(f *Fingerprint, id *ID) {
	t := &a.secrets[id.Population]
	binary.NativeEndian.PutUint64(f[:8], binary.NativeEndian.Uint64(id.Bytes[:8])^binary.NativeEndian.Uint64(t[:8]))
	binary.NativeEndian.PutUint64(f[8:], binary.NativeEndian.Uint64(id.Bytes[8:])^binary.NativeEndian.Uint64(t[8:]))
}

// Hash is what a sketch with this salt is fed of a fingerprint: its halves, each XORed with one of the salt, are multiplied, and the
// halves of the product XORed. All numbers are little-endian. A fingerprint is uniform; what it takes is that nobody who knows how
// fingerprints were hashed with one salt can tell how they are with another.
func (s *Salt) Hash(f *Fingerprint) uint64 {
	high, low := bits.Mul64(
		binary.LittleEndian.Uint64(f[:8])^binary.LittleEndian.Uint64(s[:8]),
		binary.LittleEndian.Uint64(f[8:])^binary.LittleEndian.Uint64(s[8:]))
	return high ^ low
}
