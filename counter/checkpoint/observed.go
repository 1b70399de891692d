package checkpoint

import (
	"context"
	"errors"
	"io"
	"time"
)

// Observer is told of every call of a bucket: create, open, read (of an open file), list, delete or persist; how long it took; and with
// what it failed. That a name is taken, or not there, is an answer and no failure; nor is it one to be told to stop. It is called by many goroutines.
type Observer func(operation string, took time.Duration, failed error)

// Observe returns b, of whose calls the observer is told.
func Observe(b Bucket, o Observer) Bucket {
	seen := &observed{b, o}
	if n, ok := b.(namer); ok {
		return struct {
			*observed
			namer
		}{seen, n}
	}
	return seen
}

type observed struct {
	bucket Bucket
	tell   Observer
}

func (b *observed) told(operation string, began time.Time, err error) {
	if errors.Is(err, ErrExists) || errors.Is(err, ErrNotFound) || errors.Is(err, context.Canceled) {
		err = nil
	}
	b.tell(operation, time.Since(began), err)
}

func (b *observed) Create(ctx context.Context, name string, write func(io.Writer) error) error {
	began := time.Now()
	err := b.bucket.Create(ctx, name, write)
	b.told("create", began, err)
	return err
}

func (b *observed) Open(ctx context.Context, name string) (File, error) {
	began := time.Now()
	f, err := b.bucket.Open(ctx, name)
	b.told("open", began, err)
	if err != nil {
		return nil, err
	}
	return &observedFile{f, b}, nil
}

func (b *observed) List(ctx context.Context, prefix string) ([]string, error) {
	began := time.Now()
	names, err := b.bucket.List(ctx, prefix)
	b.told("list", began, err)
	return names, err
}

func (b *observed) Delete(ctx context.Context, name string) error {
	began := time.Now()
	err := b.bucket.Delete(ctx, name)
	b.told("delete", began, err)
	return err
}

// Persist is asked for by persist.
func (b *observed) Persist(ctx context.Context, name string) error {
	began := time.Now()
	err := persist(ctx, b.bucket, name)
	b.told("persist", began, err)
	return err
}

// CreateData is asked for by createData.
func (b *observed) CreateData(ctx context.Context, name string, write func(io.Writer) error) error {
	began := time.Now()
	err := createData(ctx, b.bucket, name, write)
	b.told("create", began, err)
	return err
}

// Has is asked for by has.
func (b *observed) Has(ctx context.Context, name string) (bool, error) {
	began := time.Now()
	found, err := has(ctx, b.bucket, name)
	b.told("open", began, err)
	return found, err
}

// attend and unattended are attended's.
func (b *observed) attend() (leave func(), err error) {
	if a, ok := b.bucket.(attended); ok {
		return a.attend()
	}
	return func() {}, nil
}

func (b *observed) unattended() bool {
	a, ok := b.bucket.(attended)
	return ok && a.unattended()
}

type observedFile struct {
	File
	of *observed
}

func (f *observedFile) ReadAt(p []byte, at int64) (int, error) {
	began := time.Now()
	n, err := f.File.ReadAt(p, at)
	failed := err
	if errors.Is(err, io.EOF) {
		failed = nil
	}
	f.of.told("read", began, failed)
	return n, err
}
