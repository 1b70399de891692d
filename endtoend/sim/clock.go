package sim

import (
	"context"
	"time"

	"headcount/ingest/worker"
)

// clock is the time as a process has it: the world's, and how far its own is off.
type clock struct {
	w *World
	p *process
}

var _ worker.Clock = clock{}

func (c clock) Now() time.Time { return time.UnixMilli(c.w.now + c.p.off).UTC() }

// Until implements worker.Clock.
func (c clock) Until(ctx context.Context, at time.Time) (context.Context, context.CancelFunc) {
	return &deadline{Context: ctx, p: c.p, at: at.UnixMilli()}, func() {}
}

// deadline is a context that ends at a time of the process's clock. Nothing is derived from it.
type deadline struct {
	context.Context
	p  *process
	at int64
}

func (d *deadline) Err() error {
	if err := d.Context.Err(); err != nil {
		return err
	}
	if d.p.w.now+d.p.off > d.at {
		return context.DeadlineExceeded
	}
	return nil
}

func (d *deadline) Deadline() (time.Time, bool) { return time.UnixMilli(d.at), true }

// Outlive implements worker.Clock.
func (c clock) Outlive(ctx context.Context, after time.Duration) (context.Context, context.CancelFunc) {
	o := &outliving{Context: context.WithoutCancel(ctx), of: ctx, p: c.p, after: after.Milliseconds()}
	return o, func() { o.over = true }
}

// outliving is a context that ends some time after another was seen to have ended.
type outliving struct {
	context.Context
	of    context.Context
	p     *process
	after int64
	since int64
	over  bool
}

func (o *outliving) Err() error {
	switch {
	case o.over || o.p.dead:
		return context.Canceled
	case o.of.Err() == nil:
		return nil
	case o.since == 0:
		o.since = o.p.w.now
	case o.p.w.now-o.since >= o.after:
		return context.Canceled
	}
	return nil
}

// Sleep implements worker.Clock.
func (c clock) Sleep(ctx context.Context, d time.Duration) error {
	idle := d >= time.Minute // only looks at things now and then
	if d >= time.Second {    // who waits for long is woken ever later, as on a machine with much to do
		c.p.naps++
		d <<= min(c.p.naps/4, 11)
	}
	c.w.await(func() bool { return ctx.Err() != nil || c.p.dead }, c.w.now+max(d.Milliseconds(), 1), idle)
	if c.p.dead {
		return context.Canceled
	}
	return ctx.Err()
}

// run begins what goes on beside a process's work.
func (p *process) run(f func() error) worker.Task { return p.w.spawn(p, "beside", f) }

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }
