package checkpoint

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"headcount/internal/canonical"
)

// A document (manifest, index) is three lines of text:
//
//	headcount KIND VERSION
//	{…}                       JSON, in the one form that is written (form.go)
//	sha256:…                  of all before this line
const maxDocument = 256 << 20 // bytes

func encodeDocument(kind string, version int, content described) ([]byte, error) {
	f := form{b: make([]byte, 0, 1024), version: version}
	f.b = fmt.Appendf(f.b, "headcount %s %d\n", kind, version)
	content.describe(&f)
	f.literal("\n")
	if f.err != nil {
		return nil, fmt.Errorf("encode %s: %w", kind, f.err)
	}
	b := append(append(f.b, canonical.Hash(f.b)...), '\n')
	if len(b) > maxDocument {
		return nil, fmt.Errorf("encode %s: %d bytes are over the format's %d", kind, len(b), maxDocument)
	}
	return b, nil
}

// oldest is the version from which on documents of a kind are read, where older ones than that which is written are.
var oldest = map[string]int{manifestKind: 2, indexKind: 2}

// decodeDocument is the reverse of encodeDocument; it takes no other bytes than those that it puts out, in this version or an older one.
func decodeDocument(file string, b []byte, kind string, version int, content described) error {
	end := bytes.LastIndexByte(bytes.TrimSuffix(b, []byte("\n")), '\n') + 1
	if string(b[end:]) != canonical.Hash(b[:end])+"\n" {
		return damage(file, int64(end), "the checksum does not match")
	}
	first, text, _ := bytes.Cut(b[:end], []byte("\n"))
	words := strings.Split(string(first), " ")
	if len(words) != 3 || words[0] != "headcount" || words[1] != kind {
		return damage(file, 0, "begins with %.40q, want %q", first, "headcount "+kind)
	}
	v, err := strconv.Atoi(words[2])
	if least, ok := oldest[kind]; err != nil || v != version && (!ok || v < least || v > version) {
		return unknownVersion(file, v, version)
	}
	f := form{b: text, reading: true, version: v}
	content.describe(&f)
	f.literal("\n")
	if len(f.b) > 0 || words[2] != strconv.Itoa(v) {
		f.fail(errForm)
	}
	if f.err != nil {
		return damage(file, int64(end-len(f.b)), "%v", f.err)
	}
	return nil
}

// readAll reads a file that is held in memory as a whole.
func readAll(ctx context.Context, b Bucket, name string, max int64) ([]byte, error) {
	f, err := b.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if f.Size() > max {
		return nil, damage(name, 0, "%d bytes are over the format's %d", f.Size(), max)
	}
	text := make([]byte, f.Size())
	if n, err := f.ReadAt(text, 0); n < len(text) {
		if errors.Is(err, io.EOF) {
			return nil, damage(name, int64(n), "the file ends before its size")
		}
		return nil, fmt.Errorf("%s: read: %w", name, err)
	}
	return text, nil
}

// createBytes makes a file of these bytes.
func createBytes(ctx context.Context, b Bucket, name string, text []byte) error {
	return b.Create(ctx, name, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// summed passes on what is written and keeps its size and SHA-256.
type summed struct {
	w    io.Writer
	hash interface {
		io.Writer
		Sum([]byte) []byte
	}
	size int64
}

func newSummed(w io.Writer) *summed { return &summed{w: w, hash: sha256.New()} }

func (s *summed) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.hash.Write(p[:n])
	s.size += int64(n)
	return n, err
}

func (s *summed) sum() string { return canonical.HashText(s.hash.Sum(nil)) }

func wrongSize(name string, f File, size int64) error {
	return damage(name, min(f.Size(), size), "the file has %d bytes, want %d", f.Size(), size)
}

// checkSum says what is wrong with a file's size and SHA-256.
func checkSum(ctx context.Context, name string, f File, size int64, sum string) error {
	if f.Size() != size {
		return wrongSize(name, f, size)
	}
	h := newSummed(io.Discard)
	r := io.NewSectionReader(f, 0, size)
	for buf := make([]byte, min(size+1, 1<<20)); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := r.Read(buf)
		h.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: read at byte %d: %w", name, h.size, err)
		}
	}
	if got := h.sum(); got != sum {
		return damage(name, 0, "its hash is %s, want %s", got, sum)
	}
	return nil
}
