package object

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"gocloud.dev/blob"

	"headcount/counter/checkpoint"
)

// Config is how a store is spoken to. The zero value will do.
type Config struct {
	Patience  time.Duration     // how long an operation is tried again; 0: until its context ends, whatever is wrong
	Logger    *slog.Logger      // nil: nothing is said
	Transport http.RoundTripper // nil: the host's
}

// Store is a checkpoint.Bucket in an object store.
type Store struct {
	objects
	url    string // for messages
	prefix string // of keys: empty, or with a trailing slash
	config Config
	away   away

	probing sync.Mutex
	probed  bool
}

// objects are what the kinds of stores do, each in its own way.
//
// commit makes an object that did not exist by one request, nonce returns the nonce of the one that is there.
// discard removes an object. judge says what an error means.
type objects interface {
	bucket() *blob.Bucket
	commit(ctx context.Context, key string, body []byte, nonce string) error
	nonce(ctx context.Context, key string) (string, error)
	discard(ctx context.Context, key string) error
	judge(err error) verdict
}

// verdict is what an error of a store means.
type verdict int

const (
	transient verdict = iota // it may go away
	missing                  // there is no such object, in a bucket that is there
	taken                    // the name is
	refused                  // the bucket is not there, or not for this user
)

// nonceKey is the metadata that a nonce is under.
const nonceKey = "headcount-nonce"

var _ checkpoint.Bucket = (*Store)(nil)

func (s *Store) key(name string) string { return s.prefix + name }

// String is the store's URL.
func (s *Store) String() string { return s.url }

// List implements checkpoint.Bucket. What others keep under the prefix is passed over.
func (s *Store) List(ctx context.Context, prefix string) (names []string, err error) {
	names, _, err = s.ListBefore(ctx, prefix, time.Time{})
	return names, err
}

// OneFile asks for checkpoints of one object.
func (s *Store) OneFile() bool { return true }

// ListBefore is List, and says which of the objects were made before a time, by the store's clock.
func (s *Store) ListBefore(ctx context.Context, prefix string, at time.Time) (names []string, before map[string]bool, err error) {
	err = s.try(ctx, "list "+prefix, request, func(ctx context.Context) error {
		names, before = nil, map[string]bool{}
		for it := s.bucket().List(&blob.ListOptions{Prefix: s.key(prefix)}); ; {
			o, err := it.Next(ctx)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if name := strings.TrimPrefix(o.Key, s.prefix); checkpoint.CheckName(name) == nil {
				names = append(names, name)
				if o.ModTime.Before(at) {
					before[name] = true
				}
			}
		}
	})
	slices.Sort(names)
	return names, before, err
}

// ListFolders returns the folders right under a prefix that ends in a slash, each with one.
func (s *Store) ListFolders(ctx context.Context, prefix string) (folders []string, err error) {
	err = s.try(ctx, "list "+prefix, request, func(ctx context.Context) error {
		folders = nil
		for it := s.bucket().List(&blob.ListOptions{Prefix: s.key(prefix), Delimiter: "/"}); ; {
			o, err := it.Next(ctx)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if name := strings.TrimPrefix(o.Key, s.prefix); o.IsDir && checkpoint.CheckName(strings.TrimSuffix(name, "/")) == nil {
				folders = append(folders, name)
			}
		}
	})
	return folders, err
}

// Delete implements checkpoint.Bucket.
func (s *Store) Delete(ctx context.Context, name string) error {
	if err := checkpoint.CheckName(name); err != nil {
		return err
	}
	return s.remove(ctx, s.key(name))
}

func (s *Store) remove(ctx context.Context, key string) error {
	return s.try(ctx, "delete "+key, request, func(ctx context.Context) error {
		err := s.discard(ctx, key)
		if err != nil && s.judge(err) == missing {
			return nil
		}
		return err
	})
}

// Close lets go of connections.
func (s *Store) Close() error { return s.bucket().Close() }

// describe wraps an error with what was asked of the store.
func (s *Store) describe(what string, err error) error {
	return fmt.Errorf("%s in %s: %w", what, s.url, err)
}
