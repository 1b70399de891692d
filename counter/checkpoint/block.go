package checkpoint

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// Binary files (segments, sealed data) are a header and blocks; integers are little-endian.
//
//	header   magic [8], version u16, zero u16, CRC-32C u32 of the 12 bytes before
//	block    length u32 of the payload, type u32, CRC-32C u32 of the 8 bytes before and the payload, payload
const (
	headerSize      = 16
	blockHeaderSize = 12
	maxBlock        = 8 << 20 // payload, bytes; read before anything is allocated
)

type magic [8]byte

type blockType uint32

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// blockWriter puts out a binary file.
type blockWriter struct {
	w  io.Writer
	at int64 // bytes put out
}

func newBlockWriter(w io.Writer, m magic, version uint16) (*blockWriter, error) {
	var h [headerSize]byte
	copy(h[:], m[:])
	binary.LittleEndian.PutUint16(h[8:], version)
	binary.LittleEndian.PutUint32(h[12:], crc32.Checksum(h[:12], castagnoli))
	_, err := w.Write(h[:])
	return &blockWriter{w: w, at: headerSize}, err
}

func (b *blockWriter) write(t blockType, payload []byte) error {
	if len(payload) > maxBlock {
		return fmt.Errorf("block of %d bytes is over the format's %d", len(payload), maxBlock)
	}
	var h [blockHeaderSize]byte
	binary.LittleEndian.PutUint32(h[0:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(h[4:], uint32(t))
	binary.LittleEndian.PutUint32(h[8:], crc32.Update(crc32.Checksum(h[:8], castagnoli), castagnoli, payload))
	if _, err := b.w.Write(h[:]); err != nil {
		return err
	}
	_, err := b.w.Write(payload)
	b.at += blockHeaderSize + int64(len(payload))
	return err
}

// readHeader checks a binary file's header.
func readHeader(file string, f io.ReaderAt, size int64, m magic, version uint16) error {
	var h [headerSize]byte
	if size < headerSize {
		return damage(file, 0, "%d bytes are too few for the header", size)
	}
	if _, err := f.ReadAt(h[:], 0); err != nil {
		return fmt.Errorf("%s: read header: %w", file, err)
	}
	if magic(h[:8]) != m {
		return damage(file, 0, "begins with %q, want %q", h[:8], m[:])
	}
	if binary.LittleEndian.Uint32(h[12:]) != crc32.Checksum(h[:12], castagnoli) || h[10]|h[11] != 0 {
		return damage(file, 8, "the header's checksum does not match")
	}
	if v := binary.LittleEndian.Uint16(h[8:]); v != version {
		return unknownVersion(file, int(v), int(version))
	}
	return nil
}

// blockReader reads the blocks between two offsets of a file, in order.
type blockReader struct {
	file    string
	r       *bufio.Reader
	at, end int64 // offsets of the next block and behind the last
	payload []byte
}

func newBlockReader(file string, f io.ReaderAt, from, to int64) *blockReader {
	buffer := int(min(to-from, 1<<18))
	return &blockReader{file: file, r: bufio.NewReaderSize(io.NewSectionReader(f, from, to-from), buffer), at: from, end: to}
}

// next returns the next block; its payload is valid until the call after. io.EOF says that there is none.
func (b *blockReader) next() (blockType, []byte, error) {
	if b.at == b.end {
		return 0, nil, io.EOF
	}
	if b.end-b.at < blockHeaderSize {
		return 0, nil, damage(b.file, b.at, "%d bytes are too few for a block's header", b.end-b.at)
	}
	h, err := b.r.Peek(blockHeaderSize)
	if err != nil {
		return 0, nil, b.failed(err)
	}
	size, t := binary.LittleEndian.Uint32(h[0:]), binary.LittleEndian.Uint32(h[4:])
	want, got := binary.LittleEndian.Uint32(h[8:]), crc32.Checksum(h[:8], castagnoli)
	if size > maxBlock || int64(size) > b.end-b.at-blockHeaderSize {
		return 0, nil, damage(b.file, b.at, "block of %d bytes, where %d are left and %d allowed", size, b.end-b.at-blockHeaderSize, maxBlock)
	}
	b.r.Discard(blockHeaderSize)
	if cap(b.payload) < int(size) {
		b.payload = make([]byte, size)
	}
	b.payload = b.payload[:size]
	if _, err := io.ReadFull(b.r, b.payload); err != nil {
		return 0, nil, b.failed(err)
	}
	if crc32.Update(got, castagnoli, b.payload) != want {
		return 0, nil, damage(b.file, b.at, "the block's checksum does not match")
	}
	b.at += blockHeaderSize + int64(size)
	return blockType(t), b.payload, nil
}

func (b *blockReader) failed(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return damage(b.file, b.at, "the file ends within a block")
	}
	return fmt.Errorf("%s: read at byte %d: %w", b.file, b.at, err)
}
