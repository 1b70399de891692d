package checkpoint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"headcount/counter"
	"headcount/events"
)

// Saved tells what Save wrote.
type Saved struct {
	Generation uint64 // the newest: a compaction is a generation of its own
	Bytes      int64  // written, manifests and compaction included
	Segments   int    // that the newest manifest names
	Postponed  error  // compaction or removal of garbage that failed, and that the next Save tries again; nil: all is done
}

// Save makes a delta durable: it is, when Save returns nil. ErrLost and ErrFatal end this writer. After another error the delta
// is not in the state; Save it again, or load.
func (p *Partition) Save(ctx context.Context, d *counter.Delta) (*Saved, error) {
	if p.writer == "" {
		return nil, fmt.Errorf("save %s: load it first", p)
	}
	if err := errors.Join(p.checkDelta(d), p.checkSealed(ctx, &d.State)); err != nil {
		return nil, fmt.Errorf("save %s: %w", p, err)
	}
	saved := &Saved{}
	var segments []segment
	if p.current != nil {
		for _, s := range p.current.Segments {
			if s.alive(d.State.Sealed) {
				segments = append(segments, s)
			}
		}
	}
	var folded []segment
	if len(d.Windows) > 0 {
		segments, folded = p.fold(segments)
	}
	err := p.commit(ctx, saved, segments, p.sourcesOf(folded, d), len(d.Windows) > 0, d.Position, d.State)
	if err != nil {
		return nil, fmt.Errorf("save %s: %w", p, err)
	}
	// From here on the delta is safe.
	err = errors.Join(p.compact(ctx, saved), p.collect(ctx))
	if errors.Is(err, ErrLost) || errors.Is(err, ErrFatal) {
		p.writer = ""
		return nil, fmt.Errorf("save %s: %w", p, err)
	}
	saved.Postponed = err
	return saved, nil
}

func (p *Partition) checkDelta(d *counter.Delta) error {
	if d.Partition != p.id.Partition {
		return fmt.Errorf("the delta is of partition %d", d.Partition)
	}
	back := p.current != nil && d.Position.Next < p.current.Position.Next
	if back && len(d.State.Gaps) > len(p.current.State.Gaps) {
		back = false // the log was cut short, and the loss is on the record
	}
	if back || p.current != nil && d.State.Records < p.current.State.Records {
		return fmt.Errorf("the delta ends at offset %d after %d records, the newest checkpoint at %d after %d: it is not the next", d.Position.Next, d.State.Records, p.current.Position.Next, p.current.State.Records)
	}
	return checkWindows(d.Windows)
}

// checkSealed makes sure that a checkpoint past a seal finds the sealed month: what it held is in no checkpoint any more.
func (p *Partition) checkSealed(ctx context.Context, state *counter.State) error {
	if state.Sealed == 0 || p.current != nil && p.current.State.Sealed != nil && *p.current.State.Sealed == state.Sealed {
		return nil
	}
	x, err := p.Index(ctx, state.Sealed)
	if err != nil {
		return fmt.Errorf("the checkpoint is past the seal of %s, which must be durable first: %w", state.Sealed, err)
	}
	if x.SealHash != state.SealHash {
		return fmt.Errorf("the shard has sealed %s by the seal %s, its index is of the seal %s", state.Sealed, state.SealHash, x.SealHash)
	}
	return nil
}

// commit writes a segment of the sources, where there is something in them, and the manifest that names it after segments. The
// manifest's creation is the commit point.
func (p *Partition) commit(ctx context.Context, saved *Saved, segments []segment, sources func() ([]source, error), something bool, at counter.Position, state counter.State) error {
	generation := p.newest + 1
	written := ""
	if something {
		s, err := p.writeSegment(ctx, generation, sources, state.Sealed)
		if err != nil {
			return err
		}
		if s.Name != "" {
			saved.Bytes += s.Size
			written = p.folder + s.Name
		}
		segments = append(slices.Clip(segments), s)
	}
	m, err := p.writeManifest(ctx, saved, generation, segments, at, state)
	if err != nil {
		if written != "" && !errors.Is(err, ErrFatal) && p.writer != "" {
			p.bucket.Delete(ctx, written) // nobody else knows its name; what stays, a later Save removes
		}
		return err
	}
	p.newest, p.previous, p.current = generation, p.current, m
	saved.Generation, saved.Segments = generation, len(segments)
	return nil
}

// writeSegment makes a segment: one that lies in the manifest where the bucket asks for it and it is small, else a file.
func (p *Partition) writeSegment(ctx context.Context, generation uint64, sources func() ([]source, error), sealed events.Month) (segment, error) {
	if oneFile(p.bucket) {
		if s, err := holdSegment(ctx, sources, sealed); !errors.Is(err, errTooLarge) {
			return s, err
		}
	}
	s := segment{Name: segmentName(generation, newName(p.bucket))}
	err := createData(ctx, p.bucket, p.folder+s.Name, func(w io.Writer) error { return putSegment(ctx, w, &s, sources, sealed) })
	return s, err
}

// putSegment puts out a segment of the sources, and notes in s what the manifest says of it.
func putSegment(ctx context.Context, w io.Writer, s *segment, sources func() ([]source, error), sealed events.Month) error {
	from, err := sources()
	if err != nil {
		return err
	}
	sum := newSummed(w)
	out, err := newSegmentWriter(sum)
	if err != nil {
		return err
	}
	if err := merge(out, from, sealed); err != nil {
		return err
	}
	if err := out.finish(); err != nil {
		return err
	}
	s.Size, s.Sum, s.Months, s.Late = sum.size, sum.sum(), out.months, out.late
	return ctx.Err()
}

// writeManifest creates the manifest of a generation. ErrLost says that another writer has that generation.
func (p *Partition) writeManifest(ctx context.Context, saved *Saved, generation uint64, segments []segment, at counter.Position, state counter.State) (*manifest, error) {
	book, err := p.topic.book(ctx)
	if err != nil {
		return nil, err
	}
	refs, err := ruleRefs(ctx, book, segments)
	if err != nil {
		return nil, err
	}
	m := &manifest{
		Generation: generation, Writer: p.writer,
		Cluster: p.id.Cluster, TopicID: p.id.TopicID, Partition: p.id.Partition,
		Position: at, TopicRules: book.hash, Rules: refs,
		Segments: append([]segment{}, segments...), State: recordState(state),
	}
	text, err := m.encode()
	if err != nil {
		return nil, err
	}
	file := p.folder + manifestName(generation)
	err = createBytes(ctx, p.bucket, file, text)
	if err != nil && !errors.Is(err, ErrFatal) {
		// It may have been created all the same.
		there, e := readAll(ctx, p.bucket, file, maxDocument)
		switch {
		case e == nil && bytes.Equal(there, text):
			err = persist(ctx, p.bucket, file)
			if err != nil {
				p.writer = ""
			}
		case e == nil || errors.Is(err, ErrExists):
			p.writer = ""
			return nil, fmt.Errorf("%w: %s is another's", ErrLost, file)
		case !errors.Is(e, ErrNotFound):
			p.writer = "" // it cannot be known which: only a new Load can tell
		}
	}
	if err != nil {
		return nil, err
	}
	saved.Bytes += int64(len(text))
	return m, nil
}

// compact rewrites the newest segments as one where plan asks for it, or where they hold windows of months that are gone.
func (p *Partition) compact(ctx context.Context, saved *Saved) error {
	m := p.current
	if len(m.Segments) == 0 {
		return nil
	}
	state := m.State.state()
	sizes := make([]int64, len(m.Segments))
	for i, s := range m.Segments {
		sizes[i] = s.Size
	}
	from := plan(sizes)
	if m.Segments[len(sizes)-1].Name == "" {
		from = len(sizes) - 1 // what lies in the manifest is folded by Save
	}
	if dead := slices.IndexFunc(m.Segments, func(s segment) bool { return s.holdsDead(state.Sealed) }); dead >= 0 {
		from = min(from, dead)
	} else if from == len(sizes)-1 {
		return nil
	}
	var files []File
	for _, s := range m.Segments[from:] {
		f, err := p.openFile(ctx, s)
		if err != nil {
			return fmt.Errorf("compact: %w", err)
		}
		defer f.Close()
		files = append(files, f)
	}
	sources := func() ([]source, error) {
		var all []source
		for i, s := range m.Segments[from:] {
			r, err := openSegment(p.called(s), files[i], io.Discard)
			if err != nil {
				return nil, err
			}
			all = append(all, r)
		}
		return all, nil
	}
	if err := p.commit(ctx, saved, m.Segments[:from], sources, true, m.Position, state); err != nil {
		return fmt.Errorf("compact: %w", err)
	}
	return nil
}

// collect removes what neither the current nor the previous manifest names.
//
// Another writer may be at work, gone on from here or left behind. A manifest newer than ours says that it has gone on, so that
// ours is not to judge. Files of a generation above ours are those of a commit under way. Those of ours or below that we do
// not name can never be named: their manifest would have to be created under a name that is taken, or behind a newer one,
// after which its writer learns that it is lost.
//
// Where a list costs money this is done once in many saves. Manifests stay as fences for a time, and whoever sleeps longer than that
// removes nothing before it has looked for a newer one here.
func (p *Partition) collect(ctx context.Context) error {
	if oneFile(p.bucket) {
		if p.unswept++; p.unswept < sweepEvery {
			return nil
		}
	}
	names, before, err := listBefore(ctx, p.bucket, p.folder, Fence)
	if err != nil {
		return fmt.Errorf("look for garbage: %w", err)
	}
	keep := map[string]bool{}
	oldest := p.current.Generation
	for _, m := range []*manifest{p.current, p.previous} {
		if m == nil {
			continue
		}
		oldest = min(oldest, m.Generation)
		for _, s := range m.Segments {
			keep[s.Name] = true
		}
	}
	var manifests, segments []string
	for _, name := range names {
		file := strings.TrimPrefix(name, p.folder)
		g, isManifest, ok := generationOf(file)
		switch {
		case !ok || keep[file]:
		case isManifest && g > p.current.Generation:
			return fmt.Errorf("%w: there is %s", ErrLost, name)
		case isManifest && g < oldest: // those between were passed over, and stay: their numbers have no holes
			manifests = append(manifests, name)
		case isManifest:
		case g <= p.current.Generation:
			segments = append(segments, name)
		}
	}
	slices.Sort(manifests)
	if young := slices.IndexFunc(manifests, func(name string) bool { return !before[name] }); young >= 0 {
		manifests = manifests[:young] // the others are fences
	}
	if !p.noted && slices.Contains(manifests, p.folder+manifestName(1)) {
		if err := p.pass(ctx); err != nil {
			return err
		}
	}
	// Manifests first, in the order of their numbers: none is left that names what is gone, and no hole between them.
	for _, name := range slices.Concat(manifests, segments) {
		if err := p.bucket.Delete(ctx, name); err != nil {
			return fmt.Errorf("remove garbage: %w", err)
		}
	}
	p.unswept = 0
	return nil
}
