package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/stream"
	"headcount/ingest/worker"
	"headcount/rollup/closing"
)

// process is `ingest run` or `rollup close` at work.
type process struct {
	w       *World
	name    string
	ctx     context.Context
	cancel  context.CancelFunc
	began   int64 // by the world's time
	off     int64 // of its clock, milliseconds
	stalled int64 // it hears nothing until then
	dead    bool  // killed: nothing it does reaches anybody
	left    bool  // it left the group
	ended   bool
	closing bool
	month   events.Month                          // that is closed
	looked  map[events.Partition]int              // by partition: the step at which a close looked at its log last
	told    map[events.Partition][2]events.Offset // by partition: from where the log said that it lacks something, and where the process stood
	naps    int                                   // how often it slept for long
	unsaved int                                   // records read
	unsent  bool                                  // the closed record is not in the log yet: the close is to be run again, it said
	halted  error                                 // of a partition
	log     *slog.Logger
}

func (w *World) newProcess(what string) *process {
	w.born++
	p := &process{w: w, name: fmt.Sprintf("%s-%d", what, w.born), began: w.now}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.log = slog.New(ears{p, -1})
	w.processes = append(w.processes, p)
	return p
}

// kill ends a process between two of its steps.
func (w *World) kill(p *process, how fault) {
	if p.dead {
		return
	}
	w.say("%s is killed", p.name)
	if p.unsaved > 0 || p.closing {
		w.took(how)
	}
	if p.closing && how == crash {
		w.took(closeKilled)
	}
	p.dead = true
	p.cancel()
	if !p.closing {
		w.later(10_000, w.group.rebalance) // after the session's timeout
	}
}

// powerFails stops the machine on which all processes and the disk are.
func (w *World) powerFails() {
	w.say("power fails")
	for _, p := range w.processes {
		if !p.ended {
			w.kill(p, power)
		}
	}
	w.disk.lose()
}

// later does something after a while.
func (w *World) later(ms int64, f func()) {
	at := w.now + ms
	w.spawn(nil, "later", func() error {
		w.await(nil, at, false)
		f()
		return nil
	})
}

// bucket opens the state store.
func (w *World) bucket(p *process) (checkpoint.Bucket, error) {
	if w.remote {
		return &remote{w.objects, p}, nil
	}
	return checkpoint.OpenDisk(&seat{w.disk, p}, "state", w.name)
}

// ingest is what `ingest run` does.
func (w *World) ingest(p *process, acceptGap bool) error {
	w.step()
	bucket, err := w.bucket(p)
	if err != nil {
		return err
	}
	topic := *w.topic
	state := checkpoint.OpenTopic(bucket, topic.Name, topic.ID)
	former := ""
	if w.draw(4) == 0 { // they only look
		if err := worker.CheckRules(p.ctx, state, worker.Policy{Template: w.template, Keys: w.keys, TemplateFile: "sim://template", KeyFile: "sim://keys"}); err != nil {
			return err
		}
		if former, err = worker.CheckSiblings(p.ctx, state, &topic, acceptGap); err != nil {
			return err
		}
	}
	c := client{w, p}
	return worker.Run(p.ctx, worker.Config{
		Log: c, Group: c, Topic: &topic, State: state, Template: w.template, Keys: w.keys,
		Interval: w.interval, DeadLetter: stream.DeadTopic(topic.Name),
		AcceptGap: acceptGap, Former: former, Logger: p.log, Clock: clock{w, p}, Go: p.run,
	})
}

// launch starts an ingest process, and another when it ends.
func (w *World) launch(acceptGap bool, tries int) {
	p := w.newProcess("ingest")
	w.say("%s starts, accept gap: %v", p.name, acceptGap)
	w.spawn(p, "ingest", func() error {
		err := w.ingest(p, acceptGap)
		p.ended = true
		w.group.rebalance()
		w.say("%s ends: %v", p.name, err)
		w.judge(p, err)
		if w.over {
			return nil
		}
		again := p.halted != nil || w.accept
		if w.now-p.began > 600_000 { // it worked for a while
			tries = 0
		}
		if tries >= mostTries/4 {
			w.objects.catchUp()
		}
		if tries > mostTries {
			if w.stopped == nil { // else the operator knows why
				w.fail("no ingest comes up: %v", err)
			}
			return nil
		}
		w.mend(err, false)
		w.later(w.backOff(tries), func() {
			w.until(func() bool { return w.deserted == 0 || w.over })
			if !w.over {
				w.launch(again, tries+1)
			}
		})
		return nil
	})
}

// backOff is how long is waited before something is tried again, twice as long each time, milliseconds.
func (w *World) backOff(tries int) int64 { return 1000 + int64(w.draw(20_000))<<min(tries, 8) }

// mostTries is how often something is tried again before it is said that it does not work.
const mostTries = 60

// judge looks at what a process ended with.
func (w *World) judge(p *process, err error) {
	w.lossIsReal(err)
	if err != nil && w.budgetUsed() == 0 {
		w.fail("%s ended with nothing wrong: %v", p.name, err)
	}
}

func (w *World) budgetUsed() (sum int) {
	for _, n := range w.fired {
		sum += n
	}
	return sum
}

// lossIsReal checks that every halt in an error has a cause: what it says that the log lost is lost.
func (w *World) lossIsReal(err error) {
	for _, h := range haltsIn(err) {
		real := false
		if gap, ok := errors.AsType[*stream.GapError](h); ok {
			real = gap.Want < gap.Start && gap.Start <= w.log.partitions[gap.Partition].start
		} else if cut, ok := errors.AsType[*stream.TruncatedError](h); ok {
			real = slices.ContainsFunc(w.log.partitions[cut.Partition].lost, func(b *batch) bool {
				return b.base == cut.From || b.base < cut.Want && cut.Want <= b.next
			})
		} else { // of a sealed month, which the log cannot give again
			for _, p := range w.partitionsIn(h.Error()) {
				real = real || p.start > 0 || len(p.lost) > 0
			}
		}
		if !real || len(w.partitionsIn(err.Error())) == 0 {
			w.fail("a halt without a loss, or that names no partition: %v", err)
		}
	}
}

// haltsIn are the halts in an error, which may be of many partitions.
func haltsIn(err error) []*worker.Halted {
	switch e := err.(type) {
	case *worker.Halted:
		return []*worker.Halted{e}
	case interface{ Unwrap() error }:
		return haltsIn(e.Unwrap())
	case interface{ Unwrap() []error }:
		var all []*worker.Halted
		for _, e := range e.Unwrap() {
			all = append(all, haltsIn(e)...)
		}
		return all
	}
	return nil
}

var partitionNumber = regexp.MustCompile(`partition (\d+)`)

// partitionsIn are those that a text names.
func (w *World) partitionsIn(text string) (named []*partition) {
	for _, m := range partitionNumber.FindAllStringSubmatch(text, -1) {
		if n, err := strconv.Atoi(m[1]); err == nil && n < len(w.log.partitions) {
			named = append(named, w.log.partitions[n])
		}
	}
	return named
}

// mayGoOn says of a close's error whether counting can go on without what the log has lost.
func mayGoOn(err error) bool {
	passed, ok := errors.AsType[*closing.NotFollowedError](err)
	return ok && passed.Lost
}

// mend does what an error asks of the operator: of a process's own, or of a close's. A close that halts says that the loss is to be
// accepted: every process is started again so, also one that was before, for it may not have met this loss.
func (w *World) mend(err error, ofClose bool) {
	if err == nil {
		return
	}
	var halted *worker.Halted
	if (errors.As(err, &halted) || ofClose && mayGoOn(err)) && (ofClose || !w.accept) {
		w.lossIsReal(err)
		if !w.accept {
			w.halts++
		}
		w.accept = true
		for _, p := range w.processes {
			if !p.ended && !p.closing {
				p.stalled = 0
				p.cancel()
			}
		}
	}
	text := err.Error()
	for _, f := range slices.Clone(w.flipped) {
		if strings.Contains(text, f+": "+checkpoint.ErrDamaged.Error()) { // not one that only could not be read just now
			w.took(flip)
			w.say("%s is damaged, as the error says: removed", f)
			w.removeFile(f)
			w.flipped = slices.DeleteFunc(w.flipped, func(g string) bool { return g == f })
		}
	}
}

// ears hear what a process says.
type ears struct {
	p         *process
	partition events.Partition // −1: none said
}

func (e ears) Enabled(_ context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn || e.p.w.trace != nil
}
func (e ears) WithGroup(string) slog.Handler { return e }

func (e ears) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		if a.Key == "partition" {
			e.partition = a.Value.Any().(events.Partition)
		}
	}
	return e
}

func (e ears) Handle(_ context.Context, r slog.Record) error {
	w, p := e.p.w, e.p
	if w.trace != nil {
		text := r.Message
		r.Attrs(func(a slog.Attr) bool {
			text += fmt.Sprintf(" %s=%v", a.Key, a.Value)
			return true
		})
		w.say("%s: %s", p.name, text)
	}
	switch {
	case strings.HasPrefix(r.Message, "partition halted"):
		r.Attrs(func(a slog.Attr) bool {
			if err, ok := a.Value.Any().(error); ok && p.halted == nil {
				p.halted = err
				w.lossIsReal(err)
				w.halts++
				w.later(60_000, p.cancel) // the operator stops it, to start it again with the loss accepted
			}
			return true
		})
	case strings.HasPrefix(r.Message, "gap accepted"), strings.HasPrefix(r.Message, "loss accepted"):
		part := w.log.partitions[e.partition]
		w.comeToNothing(p, part.id)
		month := events.Month(0)
		g := loss{partition: part.id, from: p.told[part.id][0], to: p.told[part.id][1], by: p}
		r.Attrs(func(a slog.Attr) bool {
			switch a.Key {
			case "from":
				g.from = a.Value.Any().(events.Offset)
			case "to":
				g.to = a.Value.Any().(events.Offset)
			case "month":
				month, _ = a.Value.Any().(events.Month)
			case "seal": // that goes on without the one before
				g.before = month
			}
			return true
		})
		// Where the seal before was cut off, and what was sealed by it is damaged since, the seal of the month is not followed again.
		if g.before != 0 && !slices.ContainsFunc(part.lost, func(b *batch) bool { return b.sealOf(month, part.id) || b.sealOf(month-1, part.id) }) {
			w.fail("%s: partition %d: the seal of %s was not cut off", p.name, part.id, month)
		}
		w.gaps = append(w.gaps, g)
	case strings.HasPrefix(r.Message, "the group's offset lies beyond") && w.fired[flip] == 0:
		w.fail("%s: partition %d: %s, with no checkpoint damaged", p.name, e.partition, r.Message)
	case strings.Contains(r.Message, "the closed record is not in it yet"): // the log
		p.unsent = true
	case r.Message == "checkpoint not used":
		r.Attrs(func(a slog.Attr) bool {
			w.seenDamage(a.Value.String())
			return true
		})
	}
	return nil
}

// comeToNothing notes that what a process was about to accept in a partition it did not: it is about to accept something else.
func (w *World) comeToNothing(p *process, partition events.Partition) {
	for i := range w.gaps {
		if g := &w.gaps[i]; g.by == p && g.partition == partition && g.at == 0 {
			g.by = nil
		}
	}
}

// goesOn notes that a process reads on in a partition: what it accepted there is on record by now.
func (w *World) goesOn(p *process, partition events.Partition) {
	for i := range w.gaps {
		if g := &w.gaps[i]; g.by == p && g.partition == partition && g.at == 0 {
			g.at = w.steps
		}
	}
}
