package dictionary

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"time"

	"headcount/events/identity"
)

func testPrint(i int) identity.Fingerprint {
	sum := sha256.Sum256(binary.LittleEndian.AppendUint64(nil, uint64(i)))
	return identity.Fingerprint(sum[:16])
}

// fastPrint is testPrint for many.
func fastPrint(r *rand.PCG) (f identity.Fingerprint) {
	binary.LittleEndian.PutUint64(f[:8], r.Uint64())
	binary.LittleEndian.PutUint64(f[8:], r.Uint64())
	return f
}

// bytesAtRest is BytesInUse once what earlier tests let go of has come back: the collector finds it at some time.
func bytesAtRest() uint64 {
	for still := 0; ; {
		was := BytesInUse()
		runtime.GC()
		time.Sleep(time.Millisecond) // for the cleanups
		if still++; BytesInUse() != was {
			still = 0
		} else if still == 5 {
			return was
		}
	}
}
