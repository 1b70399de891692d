package object

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"headcount/counter/checkpoint"
)

// UnfitError says that a store does not keep what a state store must.
type UnfitError struct{ Store, Why string }

func (e *UnfitError) Error() string {
	return fmt.Sprintf("%s cannot hold the state: %s", e.Store, e.Why)
}

// Probe makes a name twice, and refuses a store that lets it (*UnfitError). It leaves nothing behind; once it has passed it does nothing.
func (s *Store) Probe(ctx context.Context) error {
	s.probing.Lock()
	defer s.probing.Unlock()
	if s.probed {
		return nil
	}
	key := s.prefix + ".probe/" + rand.Text() // no name: no list shows it
	nonce := rand.Text()
	if err := s.create(ctx, key, []byte("first"), nonce); err != nil {
		return err
	}
	again := s.create(ctx, key, []byte("second"), rand.Text())
	is := ""
	err := s.try(ctx, "read "+key, request, func(ctx context.Context) (err error) {
		is, err = s.nonce(ctx, key)
		return err
	})
	removed := s.remove(ctx, key)
	switch {
	case again == nil:
		return &UnfitError{s.url, "it replaces an object that was to be made only if it did not exist (If-None-Match: *): two processes would each believe that their checkpoint counts; use a store, or a release of it, that keeps to that condition"}
	case !errors.Is(again, checkpoint.ErrExists):
		return again
	case err != nil:
		return err
	case is != nonce:
		return &UnfitError{s.url, "it does not keep an object's metadata, by which a request that was sent twice is told from another's"}
	case removed != nil:
		return removed
	}
	s.probed = true
	return nil
}
