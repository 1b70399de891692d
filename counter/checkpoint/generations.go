package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// passed is the document whose being there says that checkpoints were removed: a list that shows neither it nor any checkpoint is from
// before the first. Its content is never read. It stays for good: where all manifests were lost once, a list from between then and the
// next one is believed.
const (
	passedName    = "passed"
	passedKind    = "passed"
	passedVersion = 1
)

// pass notes that checkpoints are removed from now on.
func (p *Partition) pass(ctx context.Context) error {
	doc, err := encodeDocument(passedKind, passedVersion, struct{}{})
	if err != nil {
		return err
	}
	if err := createBytes(ctx, p.bucket, p.folder+passedName, doc); err != nil && !errors.Is(err, ErrExists) {
		return fmt.Errorf("note that checkpoints are removed: %w", err)
	}
	return nil
}

// generations returns those that have manifests, newest first, and the newest one's number; 0: there is none.
//
// A list may be out of date. Manifests are numbered without holes, and removed in the order of their numbers, all but the newest:
// so from any that is still there the newest is found by asking for the next one by name. An old list of which the newest is gone
// tells nothing, and is tried again; so is one from before the first. An empty one is believed where there is no first and none was
// removed, or where it shows that some were: it may be that all state is lost, which is no reason to stop.
func (p *Partition) generations(ctx context.Context) (found []uint64, newest uint64, err error) {
	var before []uint64
	for range 10 { // beside a writer the list may be old by the time it is read
		found, reached, err := p.reach(ctx)
		if err != nil {
			return nil, 0, fmt.Errorf("list checkpoints of %s: %w", p.name, err)
		}
		if reached {
			slices.Reverse(found)
			return found, slices.Max(append(found, 0)), nil
		}
		if slices.Equal(found, before) {
			break
		}
		before = found
	}
	return nil, 0, fmt.Errorf("%s: %w: wait until the store lists what it holds", p.name, ErrOldList)
}

// reach goes from the generations that are listed to the newest, and returns them in their order; false: the newest that is listed is
// gone.
func (p *Partition) reach(ctx context.Context) (found []uint64, ok bool, err error) {
	names, err := p.bucket.List(ctx, p.folder)
	if err != nil {
		return nil, false, err
	}
	for _, name := range names {
		if g, isManifest, ok := generationOf(strings.TrimPrefix(name, p.folder)); isManifest && ok {
			found = append(found, g)
		}
	}
	slices.Sort(found)
	newest := slices.Max(append(found, 0))
	if newest == 0 && !slices.Contains(names, p.folder+passedName) {
		if passed, err := p.has(ctx, p.folder+passedName); passed || err != nil {
			return nil, false, err
		}
	}
	if newest > 0 {
		if ok, err := p.has(ctx, p.folder+manifestName(newest)); !ok {
			return found, false, err
		}
	}
	for {
		ok, err := p.has(ctx, p.folder+manifestName(newest+1))
		if err != nil {
			return nil, false, err
		}
		if !ok {
			break
		}
		newest++
		found = append(found, newest)
	}
	return found, true, nil
}

// has says whether the store has a file, by its name: a list may be out of date.
func (p *Partition) has(ctx context.Context, name string) (bool, error) {
	f, err := p.bucket.Open(ctx, name)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, f.Close()
}
