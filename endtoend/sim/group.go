package sim

import (
	"context"
	"slices"

	"headcount/events"
	"headcount/events/stream"
)

// group says who owns which partition. A member that is dead, or was silent for too long, is none: its partitions go to others,
// whatever it still believes.
type group struct {
	w       *World
	members []*process
	owner   map[events.Partition]*process // by the group; nil: nobody
	target  map[events.Partition]*process
}

// rebalance draws anew who is to own what.
func (g *group) rebalance() {
	g.members = slices.DeleteFunc(g.members, func(p *process) bool { return p.dead || p.left })
	g.target = map[events.Partition]*process{}
	if len(g.members) == 0 {
		return
	}
	first := g.w.draw(len(g.members))
	for _, part := range g.w.log.partitions {
		g.target[part.id] = g.members[(first+int(part.id))%len(g.members)]
	}
	for id, p := range g.owner {
		if p != nil && (p.dead || p.left || p.stalled > g.w.now) {
			g.owner[id] = nil // thrown out, without a word
		}
	}
}

func (g *group) join(p *process) {
	if !slices.Contains(g.members, p) {
		g.members = append(g.members, p)
	}
	g.rebalance()
}

// Assign implements worker.Group: it keeps the handler told until the context ends.
func (c client) Assign(ctx context.Context, h stream.Handler) error {
	w, p, g := c.w, c.p, c.w.group
	if w.alone {
		return c.assignAll(ctx, h)
	}
	g.join(p)
	mine := map[events.Partition]bool{}
	for {
		var give, take []events.Partition
		for _, part := range w.log.partitions {
			id := part.id
			switch {
			case mine[id] && g.owner[id] != p: // lost while it was silent
				give = append(give, id)
				if g.owner[id] != nil {
					w.took(zombie)
				}
			case mine[id] && g.target[id] != p:
				give = append(give, id)
			case !mine[id] && g.target[id] == p && (g.owner[id] == nil || g.owner[id].dead):
				take = append(take, id)
			}
		}
		if len(give) > 0 {
			w.took(rebalance)
			h.Revoked(give)
			for _, id := range give {
				delete(mine, id)
				if g.owner[id] == p {
					g.owner[id] = nil
				}
			}
			continue
		}
		if len(take) > 0 {
			for _, id := range take {
				mine[id], g.owner[id] = true, p
			}
			h.Assigned(take)
		}
		if p.dead || ctx.Err() != nil {
			break
		}
		w.until(func() bool { return p.dead || ctx.Err() != nil || p.stalled <= w.now && g.stale(p, mine) })
	}
	if p.dead {
		return errDead
	}
	h.Revoked(sorted(mine))
	for id, q := range g.owner {
		if q == p {
			g.owner[id] = nil
		}
	}
	p.left = true
	g.rebalance()
	return nil
}

// assignAll is Assign without a group: every partition is the process's own, also one that the topic gets while it runs.
func (c client) assignAll(ctx context.Context, h stream.Handler) error {
	w, p := c.w, c.p
	var ours []events.Partition
	for !p.dead && ctx.Err() == nil {
		from := len(ours)
		for _, part := range w.log.partitions[from:] {
			ours = append(ours, part.id)
		}
		h.Assigned(ours[from:])
		w.until(func() bool {
			return p.dead || ctx.Err() != nil || p.stalled <= w.now && len(w.log.partitions) > len(ours)
		})
	}
	if p.dead {
		return errDead
	}
	h.Revoked(ours)
	return nil
}

// stale says whether what a member believes to own has changed.
func (g *group) stale(p *process, mine map[events.Partition]bool) bool {
	for _, part := range g.w.log.partitions {
		id := part.id
		if mine[id] && (g.owner[id] != p || g.target[id] != p) ||
			!mine[id] && g.target[id] == p && (g.owner[id] == nil || g.owner[id].dead) {
			return true
		}
	}
	return false
}

func (c client) OpenTransactions(context.Context, events.Partition) ([]stream.OpenTransaction, error) {
	return nil, c.w.request(c.p)
}

// Members implements closing.Log.
func (c client) Members(context.Context) (all []stream.GroupMember, _ error) {
	if err := c.w.request(c.p); err != nil {
		return nil, err
	}
	for _, part := range c.w.log.partitions {
		if p := c.w.group.owner[part.id]; p != nil && !p.dead {
			all = append(all, stream.GroupMember{Name: p.name, Partitions: []events.Partition{part.id}})
		}
	}
	return all, nil
}

func sorted(set map[events.Partition]bool) []events.Partition {
	var all []events.Partition
	for id := range set {
		all = append(all, id)
	}
	slices.Sort(all)
	return all
}
