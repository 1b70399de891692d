package batch

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// samplePacked are contents in each codec, some in forms that this package does not write.
func samplePacked(t testing.TB) map[Codec][][]byte {
	t.Helper()
	rnd := rand.New(rand.NewPCG(3, 4))
	text := make([]byte, 300_000)
	for i := range text {
		text[i] = "abcdefgh"[rnd.IntN(8)]
		if i > 1000 && rnd.IntN(4) > 0 {
			text[i] = text[i-1000+rnd.IntN(3)]
		}
	}
	contents := [][]byte{nil, {7}, text[:5000], text, bytes.Repeat([]byte("z"), 1_000_000), append(bytes.Repeat(text[:70_000], 3), text...)}
	all := map[Codec][][]byte{}
	for _, b := range contents {
		for _, c := range []Codec{None, Gzip, Snappy, LZ4, Zstd} {
			p, err := pack(nil, c, b)
			if err != nil {
				t.Fatal(err)
			}
			all[c] = append(all[c], p, append(bytes.Clone(p), p...), append(bytes.Clone(p), 1), append(bytes.Clone(p), 0x28, 0xb5))
		}
		framed := append([]byte("\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01"), 0, 0, 0, 0)
		block := s2.Encode(nil, b) // with what snappy lacks
		framed[len(framed)-2], framed[len(framed)-1] = byte(len(block)>>8), byte(len(block))
		if len(block) < 1<<16 {
			all[Snappy] = append(all[Snappy], append(framed, block...), block)
		}
		var out bytes.Buffer
		for _, options := range [][]zstd.EOption{
			{zstd.WithWindowSize(1 << 27)}, {zstd.WithWindowSize(1 << 28)}, {zstd.WithWindowSize(1 << 10)}, {zstd.WithEncoderCRC(false)}, {zstd.WithEncoderPadding(4096)},
			{zstd.WithSingleSegment(true)},
		} {
			out.Reset()
			w, err := zstd.NewWriter(&out, options...)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = w.Write(b)
			_ = w.Flush()
			_ = w.Close()
			all[Zstd] = append(all[Zstd], bytes.Clone(out.Bytes()))
			all[Zstd] = append(all[Zstd], w.EncodeAll(b, nil))
		}
	}
	return all
}

// sameUnpacked unpacks at once, with more and less room, and piece by piece.
func sameUnpacked(t *testing.T, c Codec, b []byte) {
	t.Helper()
	u := unpackeds.Get().(*unpacked)
	defer unpackeds.Put(u)
	var want []byte
	wrong := u.begin(c, b)
	if wrong == nil {
		want, wrong = io.ReadAll(io.LimitReader(u, 64<<20))
	}
	if len(want) == 64<<20 {
		return
	}
	for _, limit := range []int{1 << 10, 1 << 20, MostUnpacked} {
		got, err := (&Unpacker{Limit: limit}).Unpack(c, b)
		if errors.Is(err, ErrTooLarge) && (limit < MostUnpacked || len(want) == 0) {
			continue
		}
		if (err == nil) != (wrong == nil) || err == nil && !bytes.Equal(got, want) {
			t.Errorf("codec %d, limit %d, % x…: at once %d bytes, %v; piece by piece %d bytes, %v", c, limit, b[:min(len(b), 40)], len(got), err, len(want), wrong)
		}
		if err == nil && len(got) > limit && c != None {
			t.Errorf("codec %d: %d bytes, the limit is %d", c, len(got), limit)
		}
	}
}

// TestUnpackedAlike: what a batch unpacks to, and whether it is broken, does not depend on how it is unpacked.
func TestUnpackedAlike(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for c, all := range samplePacked(t) {
		for _, b := range all {
			sameUnpacked(t, c, b)
			for range 6 {
				spoilt := bytes.Clone(b)
				if len(spoilt) > 0 {
					if rnd.IntN(2) == 0 {
						spoilt = spoilt[:rnd.IntN(len(spoilt))]
					} else {
						spoilt[rnd.IntN(min(len(spoilt), 1+rnd.IntN(len(spoilt))))] ^= 1 << rnd.IntN(8)
					}
				}
				sameUnpacked(t, c, spoilt)
			}
		}
	}
}

func FuzzUnpackedAlike(f *testing.F) {
	for c, all := range samplePacked(f) {
		for _, b := range all {
			if len(b) < 4096 {
				f.Add(int16(c), b)
			}
		}
	}
	f.Fuzz(func(t *testing.T, codec int16, b []byte) { sameUnpacked(t, Codec(codec&7), b) })
}
