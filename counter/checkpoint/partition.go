package checkpoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"headcount/counter"
	"headcount/events"
)

var (
	// ErrNone says that a partition has no checkpoint that verifies.
	ErrNone = errors.New("no checkpoint")
	// ErrOldList says that a store's list of a partition's checkpoints is out of date, so that the newest cannot be found from it.
	ErrOldList = errors.New("the list of its checkpoints is out of date")
	// ErrLost says that another writer has gone on with the partition: this one must stop, and load again if it is to go on.
	ErrLost = errors.New("another writer has taken over the partition")

	// errSuperseded says that a checkpoint is whole, and of no use since a recount.
	errSuperseded = errors.New("superseded")
)

// Partition is the durable state of one partition. Load and Save belong to one goroutine; what is sealed may be read by many.
type Partition struct {
	topic  *Topic
	bucket Bucket
	id     counter.Identity
	folder string // of checkpoints, with a trailing slash
	sealed string // of sealed months, with a trailing slash

	writer   string    // random; empty until Load
	newest   uint64    // generation
	current  *manifest // of the newest checkpoint that verified or that this writer made; nil: none
	previous *manifest // the one before; nil: none known to verify
	noted    bool      // that checkpoints are removed, by this writer
	unswept  int       // saves since garbage was looked for, where it is not with each
}

// String names the partition in messages.
func (p *Partition) String() string {
	return fmt.Sprintf("topic %s partition %d", p.topic.topic, p.id.Partition)
}

// Loaded tells what Load found.
type Loaded struct {
	Generation uint64 // 0: none
	Position   counter.Position
	State      counter.State
	KeyIDs     []string // of the GUID keys under which what is held was counted, sorted
	Skipped    []string // newer generations that did not verify, and why; a plain line each, newest first
	Superseded []string // newer generations that a recount has made void; likewise
}

// absorber is what a checkpoint is loaded into: a *counter.Shard.
type absorber interface {
	Absorb(d *counter.Delta) error
	Ready() error // after the last
}

// load is Load, into anything.
func load[A absorber](ctx context.Context, p *Partition, fresh func() A) (into A, _ *Loaded, err error) {
	var none A
	p.writer, p.current, p.previous, p.noted, p.unswept = "", nil, nil, false, sweepEvery-sweepAtOnce
	for range 10 {
		generations, newest, err := p.generations(ctx)
		if err != nil {
			return none, nil, err
		}
		p.newest = newest
		loaded := &Loaded{}
		for _, g := range generations {
			into := fresh()
			m, err := p.restore(ctx, g, into)
			if err == nil {
				// Its writer may have died before it made sure that it lasts.
				err = persist(ctx, p.bucket, p.folder+manifestName(g))
			}
			if err == nil {
				p.writer, p.current = newName(p.bucket), m
				loaded.Generation, loaded.Position, loaded.State = g, m.Position, m.State.state()
				for _, r := range m.Rules {
					loaded.KeyIDs = append(loaded.KeyIDs, r.KeyID)
				}
				slices.Sort(loaded.KeyIDs)
				loaded.KeyIDs = slices.Compact(loaded.KeyIDs)
				return into, loaded, nil
			}
			line := fmt.Sprintf("checkpoint %d of %s: %v", g, p, err)
			switch {
			case errors.Is(err, errSuperseded):
				loaded.Superseded = append(loaded.Superseded, line)
			case errors.Is(err, ErrDamaged):
				loaded.Skipped = append(loaded.Skipped, line)
			default:
				return none, loaded, fmt.Errorf("load %s: %w", p, err)
			}
		}
		// A reader beside a writer may have met a generation whose files went while it read: then there are newer ones.
		if _, again, err := p.generations(ctx); err != nil {
			return none, nil, err
		} else if again == newest {
			p.writer = newName(p.bucket)
			return none, loaded, fmt.Errorf("%s: %w", p, ErrNone)
		}
	}
	return none, nil, fmt.Errorf("load %s: its checkpoints keep changing: is more than one writer at work?", p)
}

// restore verifies a generation and applies it.
func (p *Partition) restore(ctx context.Context, generation uint64, into absorber) (*manifest, error) {
	m, err := p.verify(ctx, generation)
	if err != nil {
		return nil, err
	}
	d := counter.Delta{Partition: m.Partition, Position: m.Position, State: m.State.state()}
	to := absorbBeside(into, d)
	for _, s := range m.Segments {
		if err = p.readSegment(ctx, m, s, to); err != nil {
			break
		}
	}
	if err := cmp.Or(to.end(), missing(err)); err != nil {
		return nil, err
	}
	// The last delta has no windows: it leaves position and state as they stood, whatever the segments held.
	if err := into.Absorb(&d); err != nil {
		return nil, notAbsorbed(p.folder+manifestName(generation), 0, err)
	}
	if err := into.Ready(); err != nil {
		return nil, notAbsorbed(p.folder+manifestName(generation), 0, err)
	}
	return m, nil
}

// notAbsorbed makes damage of what a shard refuses. Where only its rules could not be read, the state cannot be judged.
func notAbsorbed(file string, at int64, err error) error {
	if errors.Is(err, counter.ErrRules) {
		return fmt.Errorf("%s: %w", file, err)
	}
	return damage(file, at, "%v", err)
}

// verify reads a generation's manifest and checks it.
func (p *Partition) verify(ctx context.Context, generation uint64) (*manifest, error) {
	file := p.folder + manifestName(generation)
	text, err := readAll(ctx, p.bucket, file, maxDocument)
	if err != nil {
		return nil, missing(err)
	}
	m, err := parseManifest(file, text)
	if err != nil {
		return nil, err
	}
	if got := (counter.Identity{Cluster: m.Cluster, TopicID: m.TopicID, Partition: m.Partition}); got != p.id || m.Generation != generation {
		return nil, damage(file, 0, "it is generation %d of %+v, want %d of %+v: was it copied from elsewhere?", m.Generation, got, generation, p.id)
	}
	if err := p.checkRules(ctx, file, m); err != nil {
		return nil, err
	}
	return m, nil
}

// missing makes a missing file damage: of what a manifest names, and of the manifest that was listed.
func missing(err error) error {
	if errors.Is(err, ErrNotFound) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// checkRules compares a manifest with the rules in force. Counted under an earlier revision it is of no use any more; under
// rules that are in no file, the rules are what is damaged, and counting again under them would bill by other rules.
func (p *Partition) checkRules(ctx context.Context, file string, m *manifest) error {
	book, err := p.topic.book(ctx)
	if err != nil {
		return fmt.Errorf("%s names rules that cannot be read: %w", file, err)
	}
	differ := func(name, have, want string) error {
		return fmt.Errorf("%s was counted under rules %s, but %s%s hashes to %s: restore that file as it was written", file, want, p.topic.rulesFolder(), name, have)
	}
	if book.former[m.TopicRules] {
		return fmt.Errorf("%s: %w: it was counted under former rules of the topic, a recount has put revision %d in force", file, errSuperseded, book.revision)
	}
	if book.hash != m.TopicRules {
		return differ("topic.json", book.hash, m.TopicRules)
	}
	for _, r := range m.Rules {
		have, err := book.month(ctx, r.Month, nil)
		if err != nil {
			return fmt.Errorf("%s names rules that cannot be read: %w", file, err)
		}
		if r.Revision < have.revision {
			return fmt.Errorf("%s: %w: %s was counted under revision %d of its rules, a recount has put revision %d in force", file, errSuperseded, r.Month, r.Revision, have.revision)
		}
		if r.Revision > have.revision || r.Hash != have.hash {
			return differ(rulesName(r.Month, r.Revision), have.hash, r.Hash)
		}
	}
	return nil
}

// readSegment verifies a segment and puts its live windows out, a block at a time.
func (p *Partition) readSegment(ctx context.Context, m *manifest, s segment, to *absorption) error {
	file := p.called(s)
	f, err := p.openFile(ctx, s)
	if err != nil {
		return err
	}
	defer f.Close()
	if !s.alive(m.State.state().Sealed) {
		return checkSum(ctx, file, f, s.Size, s.Sum)
	}
	if f.Size() != s.Size {
		return wrongSize(file, f, s.Size)
	}
	sum := newSummed(io.Discard)
	err = p.readParts(ctx, m, file, f, sum, to)
	if err == nil && sum.sum() == s.Sum {
		return nil
	}
	// Another hash says most: it comes before what else is wrong.
	return cmp.Or(checkSum(ctx, file, f, s.Size, s.Sum), err)
}

func (p *Partition) readParts(ctx context.Context, m *manifest, file string, f File, sum io.Writer, to *absorption) error {
	r, err := openSegment(file, f, sum)
	if err != nil {
		return err
	}
	sealed := m.State.state().Sealed
	var windows []counter.WindowDelta
	put := func() error {
		if len(windows) == 0 {
			return nil
		}
		err := to.put(absorbable{windows, file, r.at})
		windows = nil
		return cmp.Or(err, ctx.Err())
	}
	for block := 0; ; {
		w, err := r.next()
		if errors.Is(err, io.EOF) {
			return put()
		}
		if err != nil {
			return err
		}
		if !alive(w.WindowID, sealed) {
			continue
		}
		// A delta holds a window once.
		if n := len(windows); r.block != block || n > 0 && windows[n-1].WindowID == w.WindowID {
			block = r.block
			if err := put(); err != nil {
				return err
			}
		}
		windows = append(windows, *w)
	}
}

// ruleRefs names the rules of the months that segments hold.
func ruleRefs(ctx context.Context, book *Rules, segments []segment) ([]ruleRef, error) {
	var months []events.Month
	for _, s := range segments {
		months = append(append(months, s.Months...), s.Late...)
	}
	slices.Sort(months)
	refs := []ruleRef{}
	for _, m := range slices.Compact(months) {
		rules, err := book.month(ctx, m, nil)
		if err != nil {
			return nil, err
		}
		refs = append(refs, ruleRef{Month: m, Revision: rules.revision, Hash: rules.hash, KeyID: rules.KeyID})
	}
	return refs, nil
}
