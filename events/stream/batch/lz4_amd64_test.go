//go:build !purego

package batch

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"headcount/endtoend/guard"
)

// lz4Bench holds lz4Unpack against the library, in memory that ends where source and destination do, or begins there.
type lz4Bench struct {
	src, dst []byte // guarded
	plain    []byte
}

const mostUnpacked = 256 << 10

func newLZ4Bench(t testing.TB) *lz4Bench {
	if !wideCopies {
		t.Skip("this machine leaves blocks to the library")
	}
	src, free := guard.Memory(mostUnpacked)
	t.Cleanup(free)
	dst, free := guard.Memory(mostUnpacked)
	t.Cleanup(free)
	return &lz4Bench{src: src, dst: dst, plain: make([]byte, mostUnpacked)}
}

// unpack unpacks a block behind prefix, of which matches may reach what is at low and after it, into room bytes. It returns what came
// of it; nil: nothing.
func (l *lz4Bench) unpack(t testing.TB, block, prefix []byte, low, room int) []byte {
	t.Helper()
	for i := range l.plain[:len(prefix)+room] {
		l.plain[i] = 0x5a
	}
	at := copy(l.plain, prefix)
	end, ok := lz4Library(l.plain[:at+room], at, low, block)
	for _, atEnd := range []bool{false, true} {
		src, dst := l.src[:len(block):len(block)], l.dst[:at+room:at+room]
		if atEnd {
			src, dst = l.src[len(l.src)-len(block):], l.dst[len(l.dst)-at-room:]
		}
		copy(src, block)
		for i := range dst {
			dst[i] = 0xa5
		}
		copy(dst, prefix)
		gotEnd, gotOK := lz4Unpack(dst, at, low, src)
		if gotOK != ok || ok && (gotEnd != end || !bytes.Equal(dst[:end], l.plain[:end])) {
			t.Fatalf("block %x behind %d bytes from %d, room for %d: %d, %v, the library has %d, %v", block, at, low, room, gotEnd, gotOK, end, ok)
		}
		if !bytes.Equal(dst[:at], prefix) || !bytes.Equal(src, block) {
			t.Fatalf("block %x: what stood there before was changed", block)
		}
	}
	if !ok {
		return nil
	}
	return l.plain[at:end]
}

// lz4Writer writes blocks sequence by sequence, and beside them what they hold.
type lz4Writer struct {
	block []byte
	plain []byte // begins with what stood before
}

func (w *lz4Writer) length(n int) {
	for n -= 15; n >= 0; n -= 255 {
		w.block = append(w.block, byte(min(n, 255)))
	}
}

// sequence writes literals and a match, and with match 0 the literals with which a block ends.
func (w *lz4Writer) sequence(literals []byte, match, offset int) {
	token := min(len(literals), 15) << 4
	if match > 0 {
		token |= min(match-4, 15)
	}
	w.block = append(w.block, byte(token))
	w.length(len(literals))
	w.block = append(w.block, literals...)
	w.plain = append(w.plain, literals...)
	if match == 0 {
		return
	}
	w.block = binary.LittleEndian.AppendUint16(w.block, uint16(offset))
	w.length(match - 4)
	for range match {
		w.plain = append(w.plain, w.plain[len(w.plain)-offset])
	}
}

func noise(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// TestLZ4EveryLength: literals and matches of every length about what is copied at once, from near and far, with room behind them and
// without.
func TestLZ4EveryLength(t *testing.T) {
	l, r := newLZ4Bench(t), rand.New(rand.NewPCG(1, 1))
	before, literals := noise(r, 700), noise(r, 700)
	check := func(n, match, offset, tail int) {
		w := lz4Writer{}
		w.sequence(before, 4, 600)
		w.sequence(literals[:n], match, offset)
		w.sequence(literals[:3], 5, 300)
		w.sequence(literals[:tail], 0, 0)
		for _, room := range []int{len(w.plain), len(w.plain) + 1, len(w.plain) + 500} {
			if got := l.unpack(t, w.block, nil, 0, room); !bytes.Equal(got, w.plain) {
				t.Fatalf("%d literals, %d from %d, %d literals into %d bytes: %x, want %x", n, match, offset, tail, room, got, w.plain)
			}
		}
		if got := l.unpack(t, w.block, nil, 0, len(w.plain)-1); got != nil {
			t.Fatalf("%d bytes unpacked to where there is room for one less", len(got))
		}
	}
	for n := range 330 {
		for _, match := range []int{4, 18, 19, 20, 95, 96, 97} {
			check(n, match, 500, 200)
		}
	}
	for match := 4; match < 560; match++ {
		for _, offset := range []int{1, 2, 7, 16, 31, 32, 33, 64, 65, 96, 97, 256, max(match-1, 1), match, match + 1, 600} {
			check(7, match, offset, 100)
		}
	}
	for tail := range 200 { // the fast way ends somewhere there
		for _, match := range []int{4, 64, 96, 97, 192, 193, 273, 274} {
			check(64, match, 550, tail)
		}
	}
}

// TestLZ4BlocksThatEndWithAMatch, and before it: what stands behind a sequence that is as long as may be is not read.
func TestLZ4BlocksThatEndWithAMatch(t *testing.T) {
	l, r := newLZ4Bench(t), rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 14, 15, 63, 64, 65} {
		for _, match := range []int{18, 19, 96, 97, 273} {
			w := lz4Writer{}
			w.sequence(noise(r, 300), 4, 200)
			w.sequence(noise(r, n), match, 280)
			if got := l.unpack(t, w.block, nil, 0, len(w.plain)+500); !bytes.Equal(got, w.plain) {
				t.Fatalf("%d literals, %d of match: %x, want %x", n, match, got, w.plain)
			}
			for cut := range len(w.block) {
				l.unpack(t, w.block[:max(cut, 1)], nil, 0, len(w.plain)+500)
			}
		}
	}
}

// TestLZ4RandomBlocks: blocks drawn at random, behind what stood there before.
func TestLZ4RandomBlocks(t *testing.T) {
	l, seed := newLZ4Bench(t), rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	lengths := []int{0, 0, 1, 2, 5, 14, 15, 16, 17, 36, 63, 64, 65, 100, 268, 269, 270, 271, 524, 525, 526, 1500}
	for range 3000 {
		prefix := noise(r, []int{0, 1, 100, 5000, 65535, 65536}[r.IntN(6)])
		w := lz4Writer{plain: bytes.Clone(prefix)}
		low := 0
		if r.IntN(3) == 0 {
			low = len(prefix)
		}
		for range r.IntN(60) {
			literals := noise(r, lengths[r.IntN(len(lengths))])
			far := min(len(w.plain)+len(literals)-low, 65535)
			if far == 0 {
				literals = noise(r, 5)
				far = 5
			}
			offset := 1 + r.IntN(far)
			if r.IntN(4) == 0 {
				offset = min(far, 1+r.IntN(130))
			}
			w.sequence(literals, 4+lengths[r.IntN(len(lengths))], offset)
		}
		w.sequence(noise(r, lengths[r.IntN(len(lengths))]), 0, 0)
		size := len(w.plain) - len(prefix)
		for _, more := range []int{0, 1, r.IntN(200), 1000} {
			if got := l.unpack(t, w.block, prefix, low, size+more); !bytes.Equal(got, w.plain[len(prefix):]) {
				t.Fatalf("block %x behind %d bytes into %d: %d bytes, want %d", w.block, len(prefix), size+more, len(got), size)
			}
		}
		l.unpack(t, w.block, prefix, low, r.IntN(size+1))
		l.unpack(t, w.block, prefix, min(len(prefix), low+1+r.IntN(1000)), size)
	}
}

// TestLZ4DamagedBlocks: a block of events cut everywhere, and with each byte changed to each other.
func TestLZ4DamagedBlocks(t *testing.T) {
	l := newLZ4Bench(t)
	_, content := monthBatches(t, 12, 16<<10, 1)
	block := lz4Blocks(t, content[0], 64<<10)[0]
	size := len(content[0])
	if got := l.unpack(t, block, nil, 0, size); !bytes.Equal(got, content[0]) {
		t.Fatalf("%d bytes, want %d", len(got), size)
	}
	for n := 1; n < len(block); n++ {
		l.unpack(t, block[:n], nil, 0, size)
		l.unpack(t, block[n:], content[0][:300], 0, size)
	}
	damaged := bytes.Clone(block)
	for i := range block {
		for change := 1; change < 256; change++ {
			damaged[i] = block[i] ^ byte(change)
			l.unpack(t, damaged, nil, 0, size+change)
		}
		damaged[i] = block[i]
	}
}

// FuzzLZ4Block: whatever a block is, it unpacks as with the library, and nothing outside is touched.
func FuzzLZ4Block(f *testing.F) {
	_, content := monthBatches(f, 12, 16<<10, 1)
	for _, block := range lz4Blocks(f, content[0], 64<<10) {
		f.Add(block, []byte("before"), uint16(0), uint16(len(content[0])))
	}
	f.Add([]byte{0x1f, 'a', 1, 0, 255, 255, 3, 0x50, 'v', 'w', 'x', 'y', 'z'}, []byte{}, uint16(0), uint16(1000))
	f.Add([]byte{0x0f, 16, 0, 40, 0x50, 'v', 'w', 'x', 'y', 'z'}, bytes.Repeat([]byte("0123456789abcdef"), 20), uint16(3), uint16(1000))
	l := newLZ4Bench(f)
	f.Fuzz(func(t *testing.T, block, prefix []byte, low, room uint16) {
		if len(block) == 0 || len(block) > mostUnpacked || len(prefix) > mostUnpacked/2 {
			return
		}
		l.unpack(t, block, prefix, min(int(low), len(prefix)), int(room))
	})
}
