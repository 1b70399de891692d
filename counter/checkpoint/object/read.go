package object

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sync/errgroup"

	"headcount/counter/checkpoint"
)

const (
	rangeSize = 8 << 20 // of a request, bytes
	besides   = 8       // requests of one object at a time
)

// Open implements checkpoint.Bucket: the object is read whole, in ranges.
func (s *Store) Open(ctx context.Context, name string) (checkpoint.File, error) {
	if err := checkpoint.CheckName(name); err != nil {
		return nil, err
	}
	first, size, err := s.read(ctx, name, 0, rangeSize)
	if err != nil {
		return nil, err
	}
	if size <= rangeSize {
		return held{bytes.NewReader(first)}, nil
	}
	f, err := s.spool(ctx, name, first, size)
	if err != nil {
		return nil, err
	}
	return spooled{f, size}, nil
}

// Has says whether a file is there.
func (s *Store) Has(ctx context.Context, name string) (bool, error) {
	_, _, err := s.read(ctx, name, 0, 1)
	if errors.Is(err, checkpoint.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// read reads up to length bytes of an object, and returns its size.
func (s *Store) read(ctx context.Context, name string, at, length int64) (part []byte, size int64, err error) {
	err = s.try(ctx, "read "+name, request+forBytes(length), func(ctx context.Context) error {
		r, err := s.bucket().NewRangeReader(ctx, s.key(name), at, length, nil)
		if err != nil {
			if s.judge(err) == missing {
				return fmt.Errorf("open %s in %s: %w", name, s.url, checkpoint.ErrNotFound)
			}
			return err
		}
		defer r.Close()
		size = r.Size()
		want := min(length, size-at)
		part = make([]byte, max(want, 0))
		if n, err := io.ReadFull(r, part); err != nil {
			return fmt.Errorf("the answer ends after %d of %d bytes: %w", n, want, err)
		}
		return nil
	})
	return part, size, err
}

// spool copies an object of which first is the beginning into a file without a name.
func (s *Store) spool(ctx context.Context, name string, first []byte, size int64) (_ *os.File, err error) {
	f, err := os.CreateTemp("", "headcount-state-")
	if err != nil {
		return nil, fmt.Errorf("read %s: %w: the folder for temporary files (TMPDIR) needs room for %d bytes", name, err, size)
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	if err := os.Remove(f.Name()); err != nil {
		return nil, err
	}
	if _, err := f.WriteAt(first, 0); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(besides)
	for at := int64(len(first)); at < size; at += rangeSize {
		group.Go(func() error {
			part, now, err := s.read(ctx, name, at, min(rangeSize, size-at))
			if err != nil {
				return err
			}
			if now != size {
				return fmt.Errorf("read %s in %s: it had %d bytes, and has %d: was it replaced?", name, s.url, size, now)
			}
			if _, err := f.WriteAt(part, at); err != nil {
				return fmt.Errorf("read %s: %w: the folder for temporary files (TMPDIR) needs room for %d bytes", name, err, size)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return f, nil
}

type held struct{ *bytes.Reader }

func (held) Close() error { return nil }

type spooled struct {
	*os.File
	size int64
}

func (f spooled) Size() int64 { return f.size }
