package checkpoint

import (
	"context"
	"errors"
	"fmt"

	"headcount/counter"
)

// Load loads the newest checkpoint that verifies into the shard that fresh makes. All that it names is verified
// before the shard is returned; Loaded says which newer ones did not verify, and why. ErrNone says that there is none: then the log is counted
// from its start. Any other error says that the state cannot be judged (the store does not answer, a newer program wrote it,
// its rules are gone), and is no reason to count again.
func (p *Partition) Load(ctx context.Context, fresh func() *counter.Shard) (*counter.Shard, *Loaded, error) {
	return load(ctx, p, fresh)
}

// Glance returns position and state by the newest manifest that can be read, without a look at the segments it names. ErrNone
// says that there is none.
func (p *Partition) Glance(ctx context.Context) (counter.Position, counter.State, error) {
	generations, _, err := p.generations(ctx)
	if err != nil {
		return counter.Position{}, counter.State{}, err
	}
	for _, g := range generations {
		file := p.folder + manifestName(g)
		text, err := readAll(ctx, p.bucket, file, maxDocument)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return counter.Position{}, counter.State{}, err
		}
		if m, err := parseManifest(file, text); err == nil && m.Partition == p.id.Partition && m.TopicID == p.id.TopicID {
			return m.Position, m.State.state(), nil
		}
	}
	return counter.Position{}, counter.State{}, fmt.Errorf("%s: %w", p, ErrNone)
}
