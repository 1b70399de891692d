package counter

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"io"
	"math/bits"

	"headcount/events"
)

// digest is the SHA-256 of an app's united facts and quantities of a month, integers in little endian:
//
//	"headcount usage 1\n", month as 2026-10, app: length u16 and bytes
//	each device in order of fingerprints: 1 u8, fingerprint 16 bytes, set of kinds u16, for each kind of it the days u32 (bit d for day d)
//	0 u8
//	number of totals u32; each, in order of meter, source, day: meter and source (length u16 and bytes each), day u8, revision i64, value i64
type digest struct {
	hash hash.Hash
	buf  []byte
	copy io.Writer // of what is hashed, for one app; nil: none
	err  error     // of copy
}

func (d *digest) write(b []byte) {
	d.hash.Write(b)
	if d.copy != nil && d.err == nil {
		_, d.err = d.copy.Write(b)
	}
}

const (
	digestDomain = "headcount usage 1\n"
	digestBuffer = 8192
)

func (d *digest) begin(m events.Month, app string) {
	if d.hash == nil {
		d.hash = sha256.New()
		d.buf = make([]byte, 0, digestBuffer)
	}
	d.hash.Reset()
	d.copy = nil
	d.buf = append(d.buf[:0], digestDomain...)
	d.buf = append(d.buf, m.String()...)
	d.text(app)
}

func (d *digest) text(s string) {
	d.buf = binary.LittleEndian.AppendUint16(d.buf, uint16(len(s)))
	d.buf = append(d.buf, s...)
	d.spill()
}

// spill hands a buffer that is nearly full to the hash.
func (d *digest) spill() {
	if len(d.buf) > digestBuffer-1024 { // what comes at once is shorter than that
		d.write(d.buf)
		d.buf = d.buf[:0]
	}
}

func (d *digest) row(r *Row) {
	b := append(d.buf, 1)
	b = append(b, r.Fingerprint[:]...)
	b = binary.LittleEndian.AppendUint16(b, uint16(r.Kinds))
	for k := uint16(r.Kinds); k != 0; k &= k - 1 {
		b = binary.LittleEndian.AppendUint32(b, r.Days[bits.TrailingZeros16(k)%events.MaxKinds])
	}
	d.buf = b
	d.spill()
}

func (d *digest) end(totals []Total) (sum [32]byte) {
	d.buf = append(d.buf, 0)
	d.buf = binary.LittleEndian.AppendUint32(d.buf, uint32(len(totals)))
	for i := range totals {
		t := &totals[i]
		d.text(t.Meter)
		d.text(t.Source)
		d.buf = append(d.buf, byte(t.Day))
		d.buf = binary.LittleEndian.AppendUint64(d.buf, uint64(t.Revision))
		d.buf = binary.LittleEndian.AppendUint64(d.buf, uint64(t.Value))
	}
	d.write(d.buf)
	d.hash.Sum(sum[:0])
	return sum
}

// NoFacts is what the digest of an app without facts is the SHA-256 of.
func NoFacts(m events.Month, app string) []byte {
	var d digest
	d.begin(m, app)
	var b bytes.Buffer
	d.copy = &b
	d.end(nil)
	return b.Bytes()
}
