package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// fault is something that is done to the processes, and how its effect shows.
type fault string

const (
	killed        fault = "ingest killed: it had partitions"
	killedReading fault = "ingest killed: it had counted records since its start"
	killedWritten fault = "ingest killed: it had committed checkpoints since its start"
	killedBoth    fault = "both processes killed at once"
	readAgain     fault = "records counted by a killed process counted again"
	damaged       fault = "checkpoint damaged: the one before, or the log, was taken"
	stopped       fault = "ingest stopped past its session: the other took its partitions"
	woken         fault = "stopped ingest woken: it gave up or joined again"
	kafkaKilled   fault = "Kafka killed and restarted: a living process waited for it"
	diskFull      fault = "disk full: the process ended and said so"
	diskReadOnly  fault = "folder read-only: the process ended and said so"
	beforeClosing fault = "close killed before its closing was recorded"
	closingBegun  fault = "close killed between closing and seals"
	sealsWritten  fault = "close killed between seals and the last sealed month"
	allSealed     fault = "close killed between the last sealed month and the ledger's commit"
	closeDone     fault = "close killed between the ledger's commit and its end"
	adopted       fault = "killed close gone on with by another"
	twoCloses     fault = "two closes at once"
)

var allFaults = []fault{
	killed, killedReading, killedWritten, killedBoth, readAgain, damaged, stopped, woken, kafkaKilled, diskFull, diskReadOnly,
	beforeClosing, closingBegun, sealsWritten, allSealed, closeDone, adopted, twoCloses,
}

// tally counts how often each fault fired and took effect.
type tally struct {
	mu       sync.Mutex
	fired    map[fault]int
	effect   map[fault]int
	missing  map[fault]string // faults that cannot be made here, and why
	cycles   int
	wanted   int
	months   int
	files    int
	verified int
}

func newTally(cycles int) *tally {
	return &tally{wanted: cycles, fired: map[fault]int{}, effect: map[fault]int{}, missing: map[fault]string{}}
}

func (t *tally) note(f fault, effect bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fired[f]++
	if effect {
		t.effect[f]++
	}
}

// cycle counts a killed process.
func (t *tally) cycle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cycles++
}

// done says whether enough processes were killed: as many as wanted and, where a fault has had no effect by then, up to three
// times as many.
func (t *tally) done() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cycles < t.wanted {
		return false
	}
	for _, f := range allFaults {
		if t.missing[f] == "" && t.effect[f] == 0 {
			return t.cycles >= 3*t.wanted
		}
	}
	return true
}

// lacks says whether a fault has had no effect yet.
func (t *tally) lacks(f fault) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.effect[f] == 0
}

func (t *tally) share() float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return float64(t.cycles) / float64(t.wanted)
}

func (t *tally) add(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f()
}

// print prints the counts and says which of them show that a fault did nothing.
func (t *tally) print(w io.Writer) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(w, "%-68s %7s %7s\n", "fault", "fired", "effect")
	var idle error
	for _, f := range allFaults {
		if why := t.missing[f]; why != "" {
			fmt.Fprintf(w, "%-68s skipped: %s\n", f, why)
			continue
		}
		fmt.Fprintf(w, "%-68s %7d %7d\n", f, t.fired[f], t.effect[f])
		if t.effect[f] == 0 {
			idle = errors.Join(idle, fmt.Errorf("%q took effect %d times: the run shows nothing of it", f, t.effect[f]))
		}
	}
	fmt.Fprintf(w, "%d processes killed; %d months, %d sealed files, their usage and invoices: the same as undisturbed; %d months verified\n",
		t.cycles, t.months, t.files, t.verified)
	return idle
}

func printTimes(w io.Writer, what string, all []time.Duration) {
	if len(all) == 0 {
		return
	}
	all = slices.Clone(all)
	slices.Sort(all)
	at := func(share float64) time.Duration { return all[int(share*float64(len(all)-1))].Round(time.Millisecond) }
	fmt.Fprintf(w, "%s: median %v, p99 %v, longest %v (%d times)\n", what, at(0.5), at(0.99), at(1), len(all))
}
