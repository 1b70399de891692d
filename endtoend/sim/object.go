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

// catchUp has lists say what is there.
func (o *objects) catchUp() { o.behind, o.stale = 0, nil }

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

// OneFile asks for checkpoints of one file, as object stores do.
func (r *remote) OneFile() bool { return true }

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
	r.note(name)
	r.files[name] = b.Bytes()
	i, _ := slices.BinarySearch(r.names, name)
	r.names = slices.Insert(r.names, i, name)
	if r.w.hit(remoteApplied) {
		return fmt.Errorf("create %s: %w", name, errRemote)
	}
	return nil
}

// note keeps a list that is out of date once name has come or gone. That there was a loss is what a list hides most often.
func (r *remote) note(name string) {
	if r.w.now < r.behind {
		return
	}
	if strings.Contains(name, "/gaps/") && r.w.draw(2) == 0 {
		r.stale = slices.Clone(r.names)
		r.w.fired[staleList]++
		r.fallBehind(longBehind)
	} else if r.w.draw(8) == 0 {
		r.stale = slices.Clone(r.names)
	}
}

const longBehind = 40 * 24 * 3600_000 // ms

// fallBehind has the stale list given out for up to so many ms.
func (r *remote) fallBehind(most int) { r.behind = r.w.now + 1 + int64(r.w.draw(most)) }

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
	if r.stale != nil && r.w.now >= r.behind && r.w.hit(staleList) {
		r.fallBehind([...]int{1, 3600_000, longBehind}[r.w.draw(3)]) // nobody promises more
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
	from, _ := slices.BinarySearch(names, prefix)
	to := from
	for to < len(names) && strings.HasPrefix(names[to], prefix) {
		to++
	}
	return slices.Clone(names[from:to])
}

func (r *remote) Delete(_ context.Context, name string) error {
	if err := r.call(name); err != nil {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	if r.files[name] != nil {
		r.note(name)
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
