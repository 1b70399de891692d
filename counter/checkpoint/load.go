package checkpoint

import (
	"context"

	"headcount/counter"
)

// Load loads the newest checkpoint that verifies into the shard that fresh makes. All that it names is verified before any of
// it is applied; Loaded says which newer ones did not verify, and why. ErrNone says that there is none: then the log is counted
// from its start. Any other error says that the state cannot be judged (the store does not answer, a newer program wrote it,
// its rules are gone), and is no reason to count again.
func (p *Partition) Load(ctx context.Context, fresh func() *counter.Shard) (*counter.Shard, *Loaded, error) {
	return load(ctx, p, fresh)
}
