package object_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"headcount/counter/checkpoint"
	"headcount/counter/checkpoint/object"
	"headcount/counter/checkpoint/object/objecttest"
)

func open(t *testing.T, server *objecttest.Server, c object.Config) *object.Store {
	t.Helper()
	s, err := object.Open(t.Context(), server.State("a/prefix"), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func create(ctx context.Context, b checkpoint.Bucket, name, content string) error {
	return b.Create(ctx, name, func(w io.Writer) error {
		_, err := io.WriteString(w, content)
		return err
	})
}

func content(t *testing.T, b checkpoint.Bucket, name string) string {
	t.Helper()
	f, err := b.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text := make([]byte, f.Size())
	if n, err := f.ReadAt(text, 0); n < len(text) {
		t.Fatal(err)
	}
	return string(text)
}

func TestBucket(t *testing.T) {
	server := objecttest.Start(t)
	server.PageSize = 2
	b := open(t, server, object.Config{Patience: time.Second})
	for _, n := range []string{"t/1/a", "t/1/b", "t/10/a", "u", "t/1/ab/c"} {
		if err := create(t.Context(), b, n, "of "+n); err != nil {
			t.Fatal(err)
		}
	}
	if err := create(t.Context(), b, "u", "other"); !errors.Is(err, checkpoint.ErrExists) {
		t.Errorf("second create: %v, want ErrExists", err)
	}
	if err := create(t.Context(), b, "u", "of u"); !errors.Is(err, checkpoint.ErrExists) {
		t.Errorf("create of what has the same bytes: %v, want ErrExists: another made it", err)
	}
	if got := content(t, b, "u"); got != "of u" {
		t.Errorf("a second create changed the file to %q", got)
	}
	server.Put("a/prefix/t/%%/.hidden", []byte("another's"))
	for prefix, want := range map[string][]string{
		"": {"t/1/a", "t/1/ab/c", "t/1/b", "t/10/a", "u"}, "t/1": {"t/1/a", "t/1/ab/c", "t/1/b", "t/10/a"},
		"t/1/": {"t/1/a", "t/1/ab/c", "t/1/b"}, "t/2/": nil, "x": nil,
	} {
		if got, err := b.List(t.Context(), prefix); err != nil || !slices.Equal(got, want) {
			t.Errorf("List(%q) = %v, %v, want %v", prefix, got, err, want)
		}
	}
	if got, err := b.ListFolders(t.Context(), "t/"); err != nil || !slices.Equal(got, []string{"t/%%/", "t/1/", "t/10/"}) {
		t.Errorf("folders: %v, %v", got, err)
	}
	if _, err := b.Open(t.Context(), "t/3"); !errors.Is(err, checkpoint.ErrNotFound) {
		t.Errorf("open of nothing: %v", err)
	}
	for _, there := range []bool{true, false} {
		if is, err := b.Has(t.Context(), "t/1/a"); err != nil || is != there {
			t.Errorf("Has: %v, %v", is, err)
		}
		if err := b.Delete(t.Context(), "t/1/a"); err != nil {
			t.Error(err)
		}
	}
	if err := create(t.Context(), b, "../out", ""); err == nil {
		t.Error("a file outside the bucket was made")
	}
	failed := errors.New("no more")
	for name, f := range map[string]func(context.Context, string, func(io.Writer) error) error{"commit": b.Create, "data": b.CreateData} {
		err := f(t.Context(), "t/half", func(w io.Writer) error { io.WriteString(w, "x"); return failed })
		if !errors.Is(err, failed) {
			t.Errorf("%s whose writer fails: %v", name, err)
		}
		if is, err := b.Has(t.Context(), "t/half"); is || err != nil {
			t.Errorf("%s: half a file is there: %v", name, err)
		}
	}
}

// What is large goes in parts and comes back in ranges, byte for byte.
func TestLarge(t *testing.T) {
	server := objecttest.Start(t)
	b := open(t, server, object.Config{Transport: objecttest.Random(3, 0.1, objecttest.AllFaults...)})
	want := make([]byte, 40<<20+7)
	rand.NewChaCha8([32]byte{1}).Read(want)
	if err := b.CreateData(t.Context(), "large", func(w io.Writer) error {
		for at := 0; at < len(want); at += 100_000 {
			if _, err := w.Write(want[at:min(at+100_000, len(want))]); err != nil {
				return fmt.Errorf("write: %w", err)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	f, err := b.Open(t.Context(), "large")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size()))
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d bytes came back, want %d: %v", len(got), len(want), err)
	}
}

// A commit, however large, is one conditional request.
func TestCommitIsOneRequest(t *testing.T) {
	server := objecttest.Start(t)
	b := open(t, server, object.Config{Patience: time.Second})
	if err := b.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Requests()
	if err := create(t.Context(), b, "large", strings.Repeat("x", 40<<20)); err != nil {
		t.Fatal(err)
	}
	if got := server.Requests(); got["PUT"] != 1 || len(got) != 1 {
		t.Errorf("requests: %v, want one PUT", got)
	}
}

func TestProbe(t *testing.T) {
	server := objecttest.Start(t)
	b := open(t, server, object.Config{Patience: time.Second})
	if err := b.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if keys := server.Keys(); len(keys) != 0 {
		t.Errorf("the probe leaves %v", keys)
	}
	for why, spoil := range map[string]func(){
		"replaces": func() { server.Overwrites, server.Forgets = true, false },
		"keep":     func() { server.Overwrites, server.Forgets = false, true },
	} {
		spoil()
		b := open(t, server, object.Config{Patience: time.Second})
		err := create(t.Context(), b, "x", "y") // which probes first
		if _, unfit := errors.AsType[*object.UnfitError](err); !unfit || !strings.Contains(err.Error(), why) {
			t.Errorf("a store that %s: %v", why, err)
		}
		if keys := server.Keys(); len(keys) != 0 {
			t.Errorf("the probe leaves %v", keys)
		}
	}
}

// Whatever happens on the way, one of those who create a name does, and knows it.
func TestCreateUnderFaults(t *testing.T) {
	server := objecttest.Start(t)
	for seed := range uint64(4) {
		faults := objecttest.Random(seed, 0.4, objecttest.AllFaults...)
		var stores []*object.Store
		for range 4 {
			stores = append(stores, open(t, server, object.Config{Transport: faults}))
		}
		for round := range 8 {
			name := fmt.Sprintf("%d/%d", seed, round)
			var wg sync.WaitGroup
			errs := make([]error, len(stores))
			for i, s := range stores {
				wg.Go(func() { errs[i] = create(t.Context(), s, name, fmt.Sprint(i)) })
			}
			wg.Wait()
			is := string(server.Object("a/prefix/" + name))
			for i, err := range errs {
				if err != nil && !errors.Is(err, checkpoint.ErrExists) {
					t.Fatalf("%s: %v", name, err)
				}
				if won := err == nil; won != (is == fmt.Sprint(i)) {
					t.Errorf("%s is of %s; writer %d won: %v", name, is, i, won)
				}
			}
		}
		for _, f := range objecttest.AllFaults {
			if faults.Fired[f] == 0 {
				t.Errorf("seed %d: fault %d never happened", seed, f)
			}
		}
	}
}

// A bucket that is gone is not an empty one, and what is refused is not tried for long.
func TestRefused(t *testing.T) {
	server := objecttest.Start(t)
	s, err := object.Open(t.Context(), strings.Replace(server.State(""), objecttest.Bucket, "another", 1), object.Config{Patience: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	_, opened := s.Open(t.Context(), "a")
	_, had := s.Has(t.Context(), "a")
	_, listed := s.List(t.Context(), "")
	for _, err := range []error{opened, had, listed, create(t.Context(), s, "a", "b")} {
		if _, refused := errors.AsType[*object.RefusedError](err); !refused || errors.Is(err, checkpoint.ErrNotFound) {
			t.Errorf("a bucket that is not there: %v", err)
		}
	}
}

func TestPatience(t *testing.T) {
	server := objecttest.Start(t)
	down := &objecttest.Faults{Choose: func(*http.Request) objecttest.Fault { return objecttest.Refused }}
	s := open(t, server, object.Config{Patience: 300 * time.Millisecond, Transport: down})
	began := time.Now()
	err := create(t.Context(), s, "a", "b")
	if e, ok := errors.AsType[*object.UnreachableError](err); !ok || e.Tries < 2 || time.Since(began) > 5*time.Second {
		t.Errorf("a store that does not answer: %v after %v", err, time.Since(began))
	}
	if s.Away().IsZero() {
		t.Error("it is not said to be away")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	s = open(t, server, object.Config{Transport: down})
	if err := create(ctx, s, "a", "b"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without end of patience: %v, want the context's error", err)
	}
}

func TestURL(t *testing.T) {
	t.Setenv("AWS_REGION", "")
	for _, c := range []struct{ url, says string }{
		{"s3:///prefix?region=x", "BUCKET"}, {"s3://u:p@b?region=x", "without user"}, {"s3://b/p?regoin=x", "regoin"}, {"s3://b/p?region=x&region=y", "at most once"},
		{"s3://b/p%20q?region=x", "prefix"}, {"s3://b/../c?region=x", "prefix"}, {"s3://b?region=x&endpoint=localhost:9000", "http"}, {"gs://b/p", "gcs"}, {"ftp://b", "not supported"},
	} {
		if _, err := object.Open(t.Context(), c.url, object.Config{}); err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), ":p@") {
			t.Errorf("Open(%q): %v, want it to say %q", c.url, err, c.says)
		}
	}
}
