package object

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"gocloud.dev/blob"

	"headcount/counter/checkpoint"
)

// Create implements checkpoint.Bucket: the commit is one conditional request.
func (s *Store) Create(ctx context.Context, name string, write func(io.Writer) error) error {
	if err := errors.Join(checkpoint.CheckName(name), s.Probe(ctx)); err != nil {
		return err
	}
	var body bytes.Buffer
	if err := write(&body); err != nil {
		return err
	}
	return s.create(ctx, s.key(name), body.Bytes(), rand.Text())
}

// create makes an object. Whoever asks is told that the name is taken only where another has taken it: a request whose answer was lost,
// or that something on the way has sent twice, had its nonce.
func (s *Store) create(ctx context.Context, key string, body []byte, nonce string) error {
	return s.try(ctx, "create "+key, request+forBytes(int64(len(body))), func(ctx context.Context) error {
		err := s.commit(ctx, key, body, nonce)
		if err == nil || s.judge(err) != taken {
			return err
		}
		is, err := s.nonce(ctx, key)
		switch {
		case err != nil && s.judge(err) == missing:
			return errGone // whoever made it has removed it: the name may be free again
		case err != nil:
			return err
		case is != nonce:
			return fmt.Errorf("create %s in %s: %w", key, s.url, checkpoint.ErrExists)
		}
		return nil
	})
}

var errGone = errors.New("the object was there, and is gone")

// CreateData makes a file under a name that nobody else makes, of any size, in parts where it is large. Made again, it is written over.
func (s *Store) CreateData(ctx context.Context, name string, write func(io.Writer) error) error {
	if err := errors.Join(checkpoint.CheckName(name), s.Probe(ctx)); err != nil {
		return err
	}
	return s.try(ctx, "create "+name, unbounded, func(ctx context.Context) error {
		ctx, stall := watch(ctx)
		defer stall.stop()
		w, err := s.bucket().NewWriter(ctx, s.key(name), &blob.WriterOptions{ContentType: contentType, BufferSize: rangeSize, MaxConcurrency: 4})
		if err != nil {
			return err
		}
		if err := write(progress{w, stall}); err != nil {
			stall.stop() // which ends ctx: what was written goes nowhere
			_ = w.Close()
			return final(err)
		}
		stall.moved()
		return w.Close()
	})
}

const contentType = "application/octet-stream"

// progress is a writer that says when it gets on.
type progress struct {
	w     io.Writer
	stall *stall
}

func (p progress) Write(b []byte) (int, error) {
	n, err := p.w.Write(b)
	if err != nil {
		return n, &remoteError{err}
	}
	p.stall.moved()
	return n, nil
}

// remoteError is an error of the store's, where others are of whoever writes.
type remoteError struct{ error }

func (e *remoteError) Unwrap() error { return e.error }

// final marks an error of whoever writes: to try again would not help.
func final(err error) error {
	if _, theirs := errors.AsType[*remoteError](err); theirs {
		return err
	}
	return &finalError{err}
}

type finalError struct{ error }

func (e *finalError) Unwrap() error { return e.error }
