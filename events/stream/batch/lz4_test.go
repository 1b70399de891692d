package batch

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pierrec/lz4/v4"
)

func lz4Written(t testing.TB, content []byte, options ...lz4.Option) []byte {
	t.Helper()
	var b bytes.Buffer
	w := lz4.NewWriter(&b)
	if err := w.Apply(options...); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLZ4FramesOfEveryForm(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 300_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	for name, content := range map[string][]byte{
		"empty": {}, "one byte": {7}, "text": []byte(strings.Repeat("superapp app-001 ", 50_000)), "noise": noise,
		"both": append(bytes.Repeat([]byte("ab"), 100_000), noise...),
	} {
		for _, size := range []lz4.BlockSize{lz4.Block64Kb, lz4.Block256Kb, lz4.Block1Mb, lz4.Block4Mb} {
			for _, sums := range []bool{false, true} {
				frame := lz4Written(t, content, lz4.BlockSizeOption(size), lz4.BlockChecksumOption(sums), lz4.ChecksumOption(sums),
					lz4.SizeOption(uint64(len(content))))
				u := Unpacker{Limit: 4 << 20}
				got, err := u.Unpack(LZ4, frame)
				if err != nil || !bytes.Equal(got, content) {
					t.Fatalf("%s in blocks of %v, checksums %v: %d bytes, %v, want %d", name, size, sums, len(got), err, len(content))
				}
				if got, err := u.Unpack(LZ4, append(bytes.Clone(frame), frame...)); err != nil || len(got) != 2*len(content) {
					t.Fatalf("%s twice: %d bytes, %v", name, len(got), err)
				}
				for n := range min(len(frame), 40) {
					if _, err := u.Unpack(LZ4, frame[:n]); err == nil && n > 0 {
						t.Fatalf("%s cut to %d bytes: no error", name, n)
					}
				}
			}
		}
	}
}

// Linked blocks reach back into the ones before, which the library cannot write: a block of literals, then one that repeats them.
func TestLZ4LinkedBlocks(t *testing.T) {
	frame := binary.LittleEndian.AppendUint32(nil, lz4Magic)
	frame = append(frame, 0x40, 0x40, 0) // version 1, linked; blocks of 64 KiB; header checksum, not looked at
	first := []byte("0123456789abcdef")
	frame = binary.LittleEndian.AppendUint32(frame, uint32(len(first))|1<<31)
	frame = append(frame, first...)
	second := []byte{0x08, 16, 0, 0x50, 'v', 'w', 'x', 'y', 'z'} // a match of 12 from 16 back, then 5 literals
	frame = binary.LittleEndian.AppendUint32(frame, uint32(len(second)))
	frame = append(frame, second...)
	frame = append(frame, 0, 0, 0, 0)
	u := Unpacker{Limit: 1 << 20}
	got, err := u.Unpack(LZ4, frame)
	if want := "0123456789abcdef0123456789abvwxyz"; err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestLZ4KeepsToTheLimit(t *testing.T) {
	frame := lz4Written(t, make([]byte, 1<<20))
	for _, limit := range []int{1, 1000, 64 << 10, 1<<20 - 1} {
		u := Unpacker{Limit: limit}
		if _, err := u.Unpack(LZ4, frame); err == nil || !strings.Contains(err.Error(), "unpacks to more than") {
			t.Errorf("limit %d: error %v", limit, err)
		}
		if cap(u.buf) > 2*limit+4<<20 {
			t.Errorf("limit %d: %d bytes allocated", limit, cap(u.buf))
		}
	}
	u := Unpacker{Limit: 1 << 20}
	if got, err := u.Unpack(LZ4, frame); err != nil || len(got) != 1<<20 {
		t.Errorf("at the limit: %d bytes, %v", len(got), err)
	}
}

// Clients announce blocks of 4 MiB for batches of a few KiB: each partition has its buffer, so that it must fit the batch.
func TestLZ4BufferFitsTheBatch(t *testing.T) {
	var content []byte
	for i := range 230 {
		content = fmt.Appendf(content, `{"type":"miniprogram.open","id":"%x","superapp":"app-001"}`, i*2654435761)
	}
	u := Unpacker{Limit: 64 << 20}
	for range 3 {
		if _, err := u.Unpack(LZ4, lz4Written(t, content, lz4.BlockSizeOption(lz4.Block4Mb))); err != nil {
			t.Fatal(err)
		}
	}
	if cap(u.buf) > 8*len(content) {
		t.Errorf("a buffer of %d bytes for a batch of %d", cap(u.buf), len(content))
	}
}
