package checkpoint

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"

	"headcount/internal/durable"
)

// Bucket holds immutable files under slash-separated names (CheckName). It may be used by many goroutines and processes at once.
//
// Create makes a file that did not exist, whole or not at all: what write put out is durable, and found by every later Open
// and List, when Create returns nil; ErrExists says that the name was taken (and is durable). After any other error the file
// may or may not be there. write is called again where a store needs a second try, so it starts afresh each time. Open wraps
// ErrNotFound where there is no such file. List returns the names that begin with prefix, sorted. Delete is for garbage: a
// missing file is no error, and a power loss may bring a file back.
//
// A bucket may do more, where it has a better way: Persist, NewName, CreateData and Has (below).
type Bucket interface {
	Create(ctx context.Context, name string, write func(io.Writer) error) error
	Open(ctx context.Context, name string) (File, error)
	List(ctx context.Context, prefix string) ([]string, error)
	Delete(ctx context.Context, name string) error
}

// File is an open file of a bucket. ReadAt may be called by many goroutines.
type File interface {
	io.ReaderAt
	Size() int64
	Close() error
}

var (
	// ErrExists says that a file of that name is there already.
	ErrExists = durable.ErrExists
	// ErrNotFound says that there is no file of that name.
	ErrNotFound = errors.New("file not found")
	// ErrFatal says that an fsync failed: the process must end; the next one finds what is truly there.
	ErrFatal = durable.ErrFatal
)

// longest name and element of a name, bytes: what common file systems and object stores take.
const (
	maxName    = 1000
	maxElement = 255
)

// CheckName says what is wrong with a bucket's file name: elements of 1–255 bytes of [A-Za-z0-9._%-], none with a leading dot,
// joined by single slashes. So no name leaves the bucket's folder, and none meets a temporary file's.
func CheckName(name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("file name of %d bytes: want 1 to %d", len(name), maxName)
	}
	for rest, more := name, true; more; {
		var element string
		element, rest, more = strings.Cut(rest, "/")
		if err := checkElement(name, element); err != nil {
			return err
		}
	}
	return nil
}

// checkElement says what is wrong with an element of a name.
func checkElement(name, element string) error {
	if element == "" || len(element) > maxElement || element[0] == '.' {
		return fmt.Errorf("file name %q: element %q must have 1 to %d bytes and no leading dot", name, element, maxElement)
	}
	for i := range len(element) {
		if !plain[element[i]] && element[i] != '%' {
			return fmt.Errorf("file name %q: byte %q is not allowed", name, element[i])
		}
	}
	return nil
}

// escape makes one element of a name from a word of the configuration, such as a topic's name: what CheckName would refuse
// becomes %XX. No two words share an element.
func escape(word string) string {
	var b strings.Builder
	for i := range len(word) {
		if c := word[i]; plain[c] && (i > 0 || c != '.') {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// unescape is the reverse of escape.
func unescape(element string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(element); i++ {
		c := element[i]
		if c == '%' {
			if i+2 >= len(element) {
				return "", fmt.Errorf("name %q: cut short after %%", element)
			}
			if _, err := fmt.Sscanf(element[i+1:i+3], "%02X", &c); err != nil {
				return "", fmt.Errorf("name %q: want two hex digits after %%", element)
			}
			i += 2
		}
		b.WriteByte(c)
	}
	if w := b.String(); escape(w) == element {
		return w, nil
	}
	return "", fmt.Errorf("name %q is not in its plain form", element)
}

// plain are the bytes of which words of the configuration are made as they are.
var plain = func() (is [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") {
		is[c] = true
	}
	return is
}()

// persist makes a file that was found, not made, durable before something elsewhere comes to depend on it: its maker may have
// died between making it visible and making it last.
func persist(ctx context.Context, b Bucket, name string) error {
	if s, ok := b.(interface {
		Persist(ctx context.Context, name string) error
	}); ok {
		return s.Persist(ctx, name)
	}
	return nil
}

// createData makes a file under a name that nobody else makes up (newName), and of any size. A store where a commit costs more than data
// has a way of its own for it; made again, such a file holds the same.
func createData(ctx context.Context, b Bucket, name string, write func(io.Writer) error) error {
	if s, ok := b.(interface {
		CreateData(ctx context.Context, name string, write func(io.Writer) error) error
	}); ok {
		return s.CreateData(ctx, name, write)
	}
	return b.Create(ctx, name, write)
}

// has says whether a bucket has a file, by its name: a list may be out of date.
func has(ctx context.Context, b Bucket, name string) (bool, error) {
	if s, ok := b.(interface {
		Has(ctx context.Context, name string) (bool, error)
	}); ok {
		return s.Has(ctx, name)
	}
	f, err := b.Open(ctx, name)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, f.Close()
}

// namer is a bucket that makes up names itself: in a simulation they follow from its seed.
type namer interface{ NewName() string }

// newName returns a name that no other process makes.
func newName(b Bucket) string {
	if n, ok := b.(namer); ok {
		return n.NewName()
	}
	return rand.Text()
}
