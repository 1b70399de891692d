package checkpoint

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"
)

// refusing is a bucket without room.
type refusing struct{ Bucket }

var errNoRoom = errors.New("no room")

func (refusing) Create(context.Context, string, func(io.Writer) error) error { return errNoRoom }

// TestObserve: every call is told of; answers are no failures.
func TestObserve(t *testing.T) {
	folder, err := OpenDirectory(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	calls, failures := map[string]int{}, map[string]int{}
	tell := func(operation string, _ time.Duration, failed error) {
		calls[operation]++
		if failed != nil {
			failures[operation]++
		}
	}
	b := Observe(folder, tell)
	write := func(w io.Writer) error { _, err := w.Write([]byte("content")); return err }
	ctx := t.Context()
	if err := b.Create(ctx, "a/b", write); err != nil {
		t.Fatal(err)
	}
	if err := b.Create(ctx, "a/b", write); !errors.Is(err, ErrExists) {
		t.Errorf("a second file of that name: %v", err)
	}
	if _, err := b.Open(ctx, "a/c"); !errors.Is(err, ErrNotFound) {
		t.Errorf("no such file: %v", err)
	}
	f, err := b.Open(ctx, "a/b")
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 20)
	if n, err := f.ReadAt(buf, 0); n != 7 || !errors.Is(err, io.EOF) || f.Size() != 7 {
		t.Errorf("read %d bytes of %d: %v", n, f.Size(), err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if err := persist(ctx, b, "a/b"); err != nil {
		t.Error(err)
	}
	if found, err := has(ctx, b, "a/b"); !found || err != nil {
		t.Errorf("%t, %v", found, err)
	}
	if err := createData(ctx, b, "a/d", write); err != nil {
		t.Error(err)
	}
	if err := b.Delete(ctx, "a/d"); err != nil {
		t.Error(err)
	}
	topic, seen := OpenTopic(folder, "t", "id"), OpenTopic(b, "t", "id")
	leave := seen.Attend()
	if topic.Unattended() || seen.Unattended() {
		t.Error("who counts into a bucket that is observed is not seen")
	}
	leave()
	if !topic.Unattended() || !seen.Unattended() {
		t.Error("who has left an observed bucket is still seen")
	}
	if names, err := b.List(ctx, "a/"); len(names) != 1 || err != nil {
		t.Errorf("%v, %v", names, err)
	}
	if err := b.Delete(ctx, "a/b"); err != nil {
		t.Error(err)
	}
	if err := Observe(refusing{folder}, tell).Create(ctx, "x", write); !errors.Is(err, errNoRoom) {
		t.Error(err)
	}
	want := map[string]int{"create": 4, "open": 3, "read": 1, "persist": 1, "list": 1, "delete": 2}
	for operation, n := range want {
		if calls[operation] != n {
			t.Errorf("%d times %s, want %d", calls[operation], operation, n)
		}
	}
	if len(calls) != len(want) || len(failures) != 1 || failures["create"] != 1 {
		t.Errorf("calls %v, failures %v", calls, failures)
	}
}
