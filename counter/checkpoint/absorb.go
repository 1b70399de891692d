package checkpoint

import (
	"sync"

	"headcount/counter"
	"headcount/events"
)

// absorption applies windows while the next ones are read. It reads nothing: the first of each month are applied by who puts
// them, since the shard then asks for the month's rules.
type absorption struct {
	into  absorber
	delta counter.Delta
	known map[events.Month]bool
	queue chan absorbable
	busy  sync.WaitGroup // what is in the queue, or being applied
	err   error          // the first; not to be read while it is busy
}

// absorbable is windows of a segment, each once, that are alive.
type absorbable struct {
	windows []counter.WindowDelta
	file    string
	at      int64
}

// absorbBeside begins an absorption of windows with the position and state of d; end ends it.
func absorbBeside(into absorber, d counter.Delta) *absorption {
	a := &absorption{into: into, delta: d, known: map[events.Month]bool{}, queue: make(chan absorbable, 4)}
	go func() {
		for b := range a.queue {
			a.apply(b)
			a.busy.Done()
		}
	}()
	return a
}

func (a *absorption) put(b absorbable) error {
	fresh := false
	for i := range b.windows {
		if m := b.windows[i].Month; !a.known[m] {
			a.known[m], fresh = true, true
		}
	}
	if fresh {
		a.busy.Wait()
		a.apply(b)
		return a.err
	}
	a.busy.Add(1)
	a.queue <- b
	return nil
}

func (a *absorption) apply(b absorbable) {
	if a.err != nil {
		return
	}
	a.delta.Windows = b.windows
	if err := a.into.Absorb(&a.delta); err != nil {
		a.err = notAbsorbed(b.file, b.at, err)
	}
}

// end waits until all is applied.
func (a *absorption) end() error {
	close(a.queue)
	a.busy.Wait()
	return a.err
}
