//go:build purego || !amd64

package dictionary

var vectors = false

// Seek finds what may be the devices, and reads them, so that they are at hand. What is done before Find overlaps with their way.
func (b *Batch) Seek() { b.seekPlain() }

// Find says which devices are known, by their ordinal (None: not known as far as was seen, which Dictionary.Find says for sure), and
// adds Repeat to what was found of them. Events that were not added keep what they have.
func (b *Batch) Find(found *[BatchSize]uint8, known *[BatchSize]uint32) { b.findPlain(found, known) }
