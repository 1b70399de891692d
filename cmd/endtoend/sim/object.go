package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"headcount/counter/checkpoint"
)

// objects is an object store: files are there whole or not at all, for ever; what goes wrong is the way to it.
type objects struct {
	w      *World
	files  map[string][]byte
	names  []string // of files, sorted
	stale  []string // of some time ago
	behind int64    // until then stale is what is listed
}

// remote is the object store as one process has it.
type remote struct {
	*objects
	p *process
}

var errRemote = errors.New("the connection was reset")

// call precedes every request.
func (r *remote) call(name string) error {
	w := r.w
	if r.p.dead {
		return errDead
	}
	if !strings.Contains(name, "/rules/") {
		w.step()
	}
	if r.p.dead {
		return errDead
	}
	if w.hit(crash) {
		w.kill(r.p, crash)
		return errDead
	}
	if w.hit(remoteError) {
		return errRemote
	}
	return nil
}

func (r *remote) Create(_ context.Context, name string, write func(io.Writer) error) error {
	if err := r.call(name); err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	if r.files[name] != nil {
		return fmt.Errorf("create %s: %w", name, checkpoint.ErrExists)
	}
	r.note()
	r.files[name] = b.Bytes()
	i, _ := slices.BinarySearch(r.names, name)
	r.names = slices.Insert(r.names, i, name)
	if r.w.hit(remoteApplied) {
		return fmt.Errorf("create %s: %w", name, errRemote)
	}
	return nil
}

// note keeps a list that is soon out of date.
func (r *remote) note() {
	if r.w.now >= r.behind && r.w.draw(8) == 0 {
		r.stale = slices.Clone(r.names)
	}
}

func (r *remote) Open(_ context.Context, name string) (checkpoint.File, error) {
	if err := r.call(name); err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	data := r.files[name]
	if data == nil {
		return nil, fmt.Errorf("open %s: %w", name, checkpoint.ErrNotFound)
	}
	return content{bytes.NewReader(data)}, nil
}

func (r *remote) List(_ context.Context, prefix string) ([]string, error) {
	if err := r.call(prefix); err != nil {
		return nil, fmt.Errorf("list %s: %w", prefix, err)
	}
	names := within(r.names, prefix)
	if w := r.w; r.stale != nil && w.now >= r.behind && w.hit(staleList) {
		// For how long, nobody promises: a moment, an hour, more than a month.
		r.behind = w.now + 1 + int64(w.draw([...]int{1, 3600_000, 40 * 24 * 3600_000}[w.draw(3)]))
	}
	if r.w.now < r.behind {
		if old := within(r.stale, prefix); !slices.Equal(old, names) {
			r.w.took(staleList)
			r.w.say("%s is given a list of %s that is out of date", r.p.name, prefix)
			return old, nil
		}
	}
	return names, nil
}

func within(names []string, prefix string) []string {
	var found []string
	i, _ := slices.BinarySearch(names, prefix)
	for ; i < len(names) && strings.HasPrefix(names[i], prefix); i++ {
		found = append(found, names[i])
	}
	return found
}

func (r *remote) Delete(_ context.Context, name string) error {
	if err := r.call(name); err != nil {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	if r.files[name] != nil {
		r.note()
		delete(r.files, name)
		i, _ := slices.BinarySearch(r.names, name)
		r.names = slices.Delete(r.names, i, i+1)
	}
	if r.w.hit(remoteApplied) {
		return fmt.Errorf("delete %s: %w", name, errRemote)
	}
	return nil
}

// NewName implements what a bucket does that makes up names itself.
func (r *remote) NewName() string { return r.w.name() }
