package sim

import (
	"fmt"
	"iter"
	"runtime/debug"
	"sync"

	"headcount/ingest/worker"
)

// task is a coroutine: it runs until it gives way, and goes on when it is its turn again.
type task struct {
	w    *World
	of   *process // nil: of the world itself
	name string
	on   *routine

	ready func() bool // what it waits for; nil: for its wake alone
	wake  int64       // or until then, milliseconds; 0: without end, and with no ready not at all
	idle  bool        // its wake alone does not move time
	ended bool
	err   error
}

// routine is a coroutine that does one thing after another: its stack grows once, not in every task.
type routine struct {
	do    func()
	next  func() (more, ok bool)
	yield func(more bool) bool
}

// rest are the routines that have nothing to do.
var rest struct {
	sync.Mutex
	list []*routine
}

func takeRoutine() *routine {
	rest.Lock()
	defer rest.Unlock()
	if n := len(rest.list); n > 0 {
		r := rest.list[n-1]
		rest.list = rest.list[:n-1]
		return r
	}
	r := &routine{}
	r.next, _ = iter.Pull(func(yield func(bool) bool) {
		for r.yield = yield; ; yield(false) {
			r.do()
		}
	})
	return r
}

func (r *routine) release() {
	r.do = nil
	rest.Lock()
	defer rest.Unlock()
	rest.list = append(rest.list, r)
}

// spawn begins a task. It first runs when it is its turn.
func (w *World) spawn(of *process, name string, f func() error) *task {
	t := &task{w: w, of: of, name: name}
	t.on = takeRoutine()
	t.on.do = func() {
		defer func() {
			if r := recover(); r != nil {
				w.fail("task %s: panic: %v\n%s", name, r, debug.Stack())
			}
		}()
		t.err = f()
	}
	w.tasks = append(w.tasks, t)
	return t
}

// Ended implements worker.Task.
func (t *task) Ended() bool { return t.ended }

// Wait implements worker.Task.
func (t *task) Wait() error {
	if !t.ended {
		t.w.until(func() bool { return t.ended })
	}
	return t.err
}

var _ worker.Task = (*task)(nil)

// step gives way to whoever is drawn next.
func (w *World) step() { w.giveWay(nil, 0, false) }

// until waits for what ready says, without end.
func (w *World) until(ready func() bool) { w.giveWay(ready, 0, false) }

// await waits for what ready says, or until a time; an idle wait does not move time.
func (w *World) await(ready func() bool, wake int64, idle bool) { w.giveWay(ready, wake, idle) }

func (w *World) giveWay(ready func() bool, wake int64, idle bool) {
	t := w.current
	t.ready, t.wake, t.idle = ready, wake, idle
	if w.next = w.choose(); w.next != t { // a change of coroutines is dear
		t.on.yield(true)
	}
}

// loop runs tasks until none is left.
func (w *World) loop() {
	for w.next = w.choose(); w.next != nil; {
		t := w.next
		w.current = t
		if more, _ := t.on.next(); !more {
			t.ended = true
			t.on.release()
			t.on = nil
			w.next = w.choose()
		}
	}
}

// choose draws the task whose turn it is; nil: none is left, or the run has failed.
func (w *World) choose() *task {
	for w.failed == nil {
		runnable := w.runnable[:0]
		live := w.tasks[:0]
		for _, t := range w.tasks {
			if t.ended {
				continue
			}
			live = append(live, t)
			if t.wake <= w.now && (t.wake != 0 || t.ready == nil) || t.ready != nil && t.ready() {
				runnable = append(runnable, t)
			}
		}
		clear(w.tasks[len(live):])
		w.tasks, w.runnable = live, runnable
		if len(live) == 0 {
			return nil
		}
		if len(runnable) == 0 {
			if !w.pass() {
				w.fail("nothing moves: %s", w.waiting())
			}
			continue
		}
		if w.steps++; w.steps > mostSteps*(1+len(w.months)/12) {
			w.fail("no end after %d steps: %s", w.steps, w.waiting())
			return nil
		}
		if len(runnable) == 1 {
			return runnable[0]
		}
		return runnable[w.draw(len(runnable))]
	}
	return nil
}

// pass moves time on to the next wake.
func (w *World) pass() bool {
	next := int64(0)
	for _, t := range w.tasks {
		if t.wake != 0 && !t.idle && (next == 0 || t.wake < next) {
			next = t.wake
		}
	}
	if next == 0 {
		return false
	}
	w.now = max(w.now, next)
	return true
}

func (w *World) waiting() string {
	s := ""
	for _, t := range w.tasks {
		s += fmt.Sprintf("\n\t%s", t.name)
		if t.of != nil {
			s += fmt.Sprintf(" of %s (dead: %v)", t.of.name, t.of.dead)
		}
		if t.wake != 0 {
			s += fmt.Sprintf(", wakes at %s", stamp(t.wake))
		}
	}
	return s
}

// mostSteps is far more than any run takes.
const mostSteps = 400_000
