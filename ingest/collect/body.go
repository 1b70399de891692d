package collect

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
)

// memory is what bodies may take together. Those of one key may take half of it: keys lie in apps, where others find them, and who has one
// does not shut the door on the rest.
type memory struct {
	mu         sync.Mutex
	left, each int64
	by         map[string]int64 // by key's id
}

// take takes n bytes for a key; false: there are not so many.
func (m *memory) take(n int64, key string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left < n || key != "" && m.by[key]+n > m.each {
		return false
	}
	m.give(-n, key)
	return true
}

// give gives n bytes back. Under mu.
func (m *memory) give(n int64, key string) {
	m.left += n
	if key == "" || n == 0 {
		return
	}
	if m.by[key] -= n; m.by[key] == 0 {
		delete(m.by, key)
	}
}

// holding is one request's part of memory.
type holding struct {
	of  *memory
	key string // its id; empty: none was asked for
	n   int64
}

func (h *holding) grow(n int64) bool {
	if !h.of.take(n, h.key) {
		return false
	}
	h.n += n
	return true
}

func (h *holding) shrink(n int64) {
	h.of.mu.Lock()
	h.of.give(n, h.key)
	h.of.mu.Unlock()
	h.n -= n
}

func (h *holding) release() { h.shrink(h.n) }

const (
	firstRead = 16 << 10 // of a body, whatever length it claims
	unpacking = 4 << 20  // that zstd may reach back, and takes while it unpacks
	perEvent  = 512      // that an event takes beside its bytes, roughly: its message and its place in a batch
)

// full is the answer where memory is used up.
func full() *answer {
	a := no(http.StatusServiceUnavailable, "the door is full: send all of it again, later").unread().after(time.Second)
	return &a
}

// body reads a body and unpacks it, within what one may have and what all may have together. What is packed is unpacked once it is here, so that a
// sender who is slow holds what it has sent and no more.
func (d *Door) body(r *http.Request, held *holding) ([]byte, *answer) {
	tooLarge := no(http.StatusRequestEntityTooLarge, fmt.Sprintf("a body may have %d bytes, unpacked: send fewer events at a time", d.cfg.MaxBody)).unread()
	if r.ContentLength > d.cfg.MaxBody {
		return nil, tooLarge
	}
	encoding := r.Header.Get("Content-Encoding")
	switch encoding {
	case "", "identity", "gzip", "zstd":
	default:
		return nil, no(http.StatusUnsupportedMediaType, fmt.Sprintf("content encoding %.40q: gzip, zstd and none are known", encoding)).unread()
	}
	sent, refusal := d.read(http.MaxBytesReader(nil, r.Body, d.cfg.MaxBody), r.ContentLength, held, tooLarge)
	if refusal != nil {
		return nil, refusal
	}
	var in io.Reader
	switch encoding {
	case "gzip":
		z, err := gzip.NewReader(bytes.NewReader(sent))
		if err != nil {
			return nil, unreadable(err, tooLarge)
		}
		in = z
	case "zstd":
		if !held.grow(unpacking) {
			return nil, full()
		}
		defer held.shrink(unpacking)
		z, err := zstd.NewReader(bytes.NewReader(sent), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(unpacking), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, unreadable(err, tooLarge)
		}
		defer z.Close()
		in = z
	default:
		return bytes.TrimPrefix(sent, byteOrderMark), nil
	}
	unpacked, refusal := d.read(in, -1, held, tooLarge)
	if refusal != nil {
		return nil, refusal
	}
	held.shrink(int64(cap(sent)))
	return bytes.TrimPrefix(unpacked, byteOrderMark), nil
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// read reads all of in, of which size says how much it is, −1: that is not known. Its capacity is what is held for it.
func (d *Door) read(in io.Reader, size int64, held *holding, tooLarge *answer) (buf []byte, refusal *answer) {
	for {
		if int64(len(buf)) > d.cfg.MaxBody {
			return nil, tooLarge
		}
		if len(buf) == cap(buf) {
			more := max(int64(len(buf)), firstRead)
			if rest := size + 1 - int64(len(buf)); rest > 0 { // one byte more than it has, so that its end is seen
				more = min(more, rest)
			}
			if !held.grow(more) {
				return nil, full()
			}
			buf = append(make([]byte, 0, int64(len(buf))+more), buf...)
		}
		n, err := in.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if errors.Is(err, io.EOF) {
			if int64(len(buf)) > d.cfg.MaxBody {
				return nil, tooLarge
			}
			return buf, nil
		}
		if err != nil {
			return nil, unreadable(err, tooLarge)
		}
	}
}

// unreadable says why a body could not be read.
func unreadable(err error, tooLarge *answer) *answer {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge
	}
	return no(http.StatusBadRequest, "the body cannot be read to its end: "+err.Error()).unread()
}
