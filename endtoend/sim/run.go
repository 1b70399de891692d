package sim

import (
	"fmt"
	"strings"
	"time"
)

// Run runs one seed; trace, where it is not nil, is told what happens.
func Run(seed uint64, trace func(string, ...any)) *World { return run(seed, shape{}, trace) }

func run(seed uint64, of shape, trace func(string, ...any)) *World {
	w := newWorld(seed, of)
	w.trace = trace
	w.spawn(nil, "world", w.live)
	w.loop()
	if s, ok := w.books.(*sqlite); ok {
		s.end(w)
	}
	return w
}

// Summary adds runs up.
type Summary struct {
	Runs                         int
	records, read, steps, closed int
	halts, held, unrecovered     int
	fired, effect                [faults]int
	took                         time.Duration
}

func (s *Summary) add(w *World) {
	s.Runs++
	for _, p := range w.log.partitions {
		s.records += int(p.end)
	}
	s.read += w.read
	s.steps += w.steps
	s.closed += len(w.closed)
	s.halts += w.halts
	s.held += w.held
	s.unrecovered += w.unrecovered
	for k := range w.fired {
		s.fired[k] += w.fired[k]
		s.effect[k] += w.effect[k]
	}
}

func (s *Summary) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d runs in %.1f s (%.0f a second): %d records, %d read, %d steps, %d months closed\n",
		s.Runs, s.took.Seconds(), float64(s.Runs)/s.took.Seconds(), s.records, s.read, s.steps, s.closed)
	fmt.Fprintf(&b, "losses of log: %d partitions halted, %d months held; %d runs ended with what cannot be had back named\n", s.halts, s.held, s.unrecovered)
	fmt.Fprintf(&b, "%-22s %10s %10s\n", "fault", "fired", "took effect")
	for k := range s.fired {
		fmt.Fprintf(&b, "%-22s %10d %10d\n", faultNames[k], s.fired[k], s.effect[k])
	}
	return b.String()
}
