package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A passed file is a document whose being there says that checkpoints were removed. Its content is never read. It is made before
// manifest 1 is removed, under the first number that is free, and stays. Numbers begin again at manifest 1 where all manifests were
// lost, so that of every list that shows no manifest it is known whether it is old: it is, where manifest 1 is not there and the file
// with the number after those that it shows is.
const (
	passedKind    = "passed"
	passedVersion = 1
)

func passedName(n int) string {
	if n == 1 {
		return "passed"
	}
	return fmt.Sprintf("passed-%d", n)
}

// noContent is that of a document whose name says all.
type noContent struct{}

func (noContent) describe(f *form) { f.literal("{}") }

// pass notes that checkpoints are removed from now on.
func (p *Partition) pass(ctx context.Context) error {
	doc, err := encodeDocument(passedKind, passedVersion, noContent{})
	if err != nil {
		return err
	}
	for n := 1; ; n++ {
		err := createBytes(ctx, p.bucket, p.folder+passedName(n), doc)
		if err == nil {
			p.noted = true
			return nil
		}
		if !errors.Is(err, ErrExists) {
			return fmt.Errorf("note that checkpoints are removed: %w", err)
		}
	}
}

// generations returns those that have manifests, newest first, and the newest one's number; 0: there is none.
//
// A list may be out of date. Manifests are numbered without holes, and removed in the order of their numbers, all but the newest:
// so from any that is still there the newest is found by asking for the next one by name. An old list of which the newest is gone
// tells nothing, and is tried again; so is one from before the first. An empty one is believed where there is no first and none was
// removed since: it may be that all state is lost, which is no reason to stop.
func (p *Partition) generations(ctx context.Context) (found []uint64, newest uint64, err error) {
	var before []uint64
	for range 10 { // beside a writer the list may be old by the time it is read
		found, reached, err := p.reach(ctx)
		if err != nil {
			return nil, 0, fmt.Errorf("list checkpoints of %s: %w", p, err)
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
	return nil, 0, fmt.Errorf("%s: %w: wait until the store lists what it holds", p, ErrOldList)
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
	if newest > 0 {
		if ok, err := has(ctx, p.bucket, p.folder+manifestName(newest)); !ok {
			return found, false, err
		}
	}
	for {
		ok, err := has(ctx, p.bucket, p.folder+manifestName(newest+1))
		if err != nil {
			return nil, false, err
		}
		if !ok {
			break
		}
		newest++
		found = append(found, newest)
	}
	if newest == 0 { // asked last: manifest 1 may have gone meanwhile
		n := 1
		for slices.Contains(names, p.folder+passedName(n)) {
			n++
		}
		removed, err := has(ctx, p.bucket, p.folder+passedName(n))
		return nil, !removed && err == nil, err
	}
	return found, true, nil
}
