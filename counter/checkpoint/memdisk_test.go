package checkpoint

import (
	"bytes"
	"crypto/rand"
	"io"
	"testing"

	"headcount/internal/durable/durabletest"
)

// memDisk is the disk of a process that loses what was not synced when it crashes.
type memDisk struct{ *durabletest.Disk }

// inMemory is a new process's disk.
func inMemory(m *durabletest.Memory) memDisk { return memDisk{&durabletest.Disk{Memory: m}} }

// openOn opens the bucket in a folder of a disk.
func openOn(d disk, root string) (*directory, error) { return openDirectory(d, root, rand.Text) }

func (d memDisk) Open(path string) (File, error) {
	b, err := d.Read(path)
	if err != nil {
		return nil, err
	}
	return openMem{bytes.NewReader(b)}, nil
}

type openMem struct{ *bytes.Reader }

func (openMem) Close() error { return nil }

func create(t *testing.T, b Bucket, name, content string) error {
	t.Helper()
	return b.Create(t.Context(), name, func(w io.Writer) error {
		_, err := io.WriteString(w, content)
		return err
	})
}

func content(t *testing.T, b Bucket, name string) string {
	t.Helper()
	text, err := readAll(t.Context(), b, name, maxDocument)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// corrupt changes a file's bytes behind the bucket's back.
func (d memDisk) corrupt(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	if err := d.Corrupt(path, change); err != nil {
		t.Fatal(err)
	}
}
