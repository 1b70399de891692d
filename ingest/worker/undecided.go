package worker

import (
	"context"
	"fmt"
	"time"

	"headcount/events"
)

// lookEvery is how often the partitions are looked at for transactions that stay open.
const lookEvery = time.Minute

// watch says which transactions stay open in our partitions: what lies behind them is not counted until their producer, or the
// broker's transaction timeout, decides.
func (c *Crew) watch(ctx context.Context) {
	before := map[events.Partition]events.Offset{} // last stable offset of partitions with something undecided
	for {
		if c.cfg.Clock.Sleep(ctx, lookEvery) != nil {
			return
		}
		all, err := c.cfg.Group.Offsets(ctx)
		if err != nil {
			continue // the readers say what is wrong
		}
		held := map[events.Partition]events.Offset{}
		for _, p := range c.partitions() {
			o, ok := all[p]
			if !ok || o.Stable >= o.End {
				continue
			}
			held[p] = o.Stable
			if at, was := before[p]; was && at == o.Stable {
				c.cfg.Logger.Warn("an open transaction holds the partition back; its producer must commit or abort it (kafka-transactions.sh can)",
					"partition", p, "offset", o.Stable, "waiting", o.End-o.Stable, "transactions", c.openIn(ctx, p))
			}
		}
		before = held
	}
}

func (c *Crew) openIn(ctx context.Context, p events.Partition) string {
	open, err := c.cfg.Group.OpenTransactions(ctx, p)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(open)
}
