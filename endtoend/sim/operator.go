package sim

import (
	"slices"
	"strings"

	"headcount/events"
	"headcount/rollup/closed"
)

// live is what happens around the processes: the producers' bursts, the months' ends, and the faults that come from outside.
func (w *World) live() error {
	for range 1 + w.draw(3) {
		if w.launch(false, 0); w.alone {
			break
		}
	}
	last := w.now
	for i := range w.months {
		from, until := w.start(i), w.start(i+1)
		for b := range w.traffic.bursts {
			at := from + (until-from)/int64(w.traffic.bursts)*int64(b) + int64(w.rng.Uint64()%uint64((until-from)/int64(w.traffic.bursts)))
			at = max(at, last+1)
			w.await(nil, at, false)
			w.traffic.burst(last, at)
			last = at
			w.mischief()
		}
		w.await(nil, max(until-1, w.now+1), false)
		m := w.months[i]
		w.later(24*3600_000+int64(w.draw(40*3600_000)), func() { w.closeMonth(m) })
		w.closes++
	}
	w.await(nil, w.start(len(w.months)), false)
	w.traffic.burst(last, w.now)
	w.until(func() bool { return w.closes == 0 })
	w.calm()
	w.stopIngest() // who began from a list that was out of date begins anew
	for range 5 {  // whoever lost a race has begun again, and written a checkpoint
		w.await(nil, w.now+4*24*3600_000, false)
	}
	w.traffic.burst(last, w.now) // for the last checkpoint of those that are told to end
	w.await(nil, w.now+60_000, false)
	w.stopAll()
	w.until(func() bool {
		for _, p := range w.processes {
			if !p.ended {
				return false
			}
		}
		return true
	})
	w.checkEnd()
	return nil
}

// calm lets nothing go wrong any more.
func (w *World) calm() {
	w.budget, w.disk.full, w.objects.behind = 0, false, 0
	for _, p := range w.processes {
		p.stalled = 0
	}
	for _, p := range w.log.partitions {
		p.held = -1
	}
}

// stopIngest stops who counts, in good order.
func (w *World) stopIngest() {
	for _, p := range w.processes {
		if !p.ended && !p.closing {
			p.cancel()
		}
	}
}

// stopAll stops all processes in good order.
func (w *World) stopAll() {
	w.over = true
	for _, p := range w.processes {
		if !p.ended {
			p.cancel()
		}
	}
}

// closeMonth closes a month, however often that takes.
func (w *World) closeMonth(m events.Month) {
	if m > w.months[0] && !w.closed[m-1] { // one after the other
		w.until(func() bool { return w.closed[m-1] || w.stopped != nil })
	}
	defer func() { w.closes-- }()
	for try := 0; w.stopped == nil; try++ {
		if try > mostTries {
			w.fail("%s cannot be closed: %v", m, w.lastClose)
			return
		}
		if try == mostTries/2 {
			w.calm()
		}
		var second *task
		if w.budget > 0 && w.draw(4) == 0 {
			second = w.spawn(nil, "second close", func() error {
				if w.chanceEven() {
					w.await(nil, w.now+int64(1+w.draw(100)), false)
				}
				w.tryClose(m)
				return nil
			})
		}
		done := w.tryClose(m)
		if second != nil {
			_ = second.Wait()
		}
		if done {
			w.closed[m] = true
			return
		}
		w.cutSeal(m)
		w.await(nil, w.now+w.backOff(try), false)
	}
}

// tryClose runs a close, and checks what it prints.
func (w *World) tryClose(m events.Month) bool {
	if w.draw(8) == 0 { // nobody counts but the close
		w.deserted++
		defer func() { w.deserted-- }()
		w.stopIngest()
	}
	p := w.newProcess("close")
	p.closing, p.month = true, m
	if w.draw(3) == 0 {
		w.contracts = (w.contracts + 1) % 50
	}
	w.say("%s of %s begins", p.name, m)
	var result *closed.Result
	t := w.spawn(p, "close", func() (err error) {
		result, err = w.close(p, m)
		return err
	})
	err := t.Wait()
	p.ended = true
	w.say("%s of %s ends: %v", p.name, m, err)
	if p.dead {
		return false
	}
	if err != nil {
		w.lastClose = err
		if w.budgetUsed() == 0 {
			w.fail("close of %s with nothing wrong: %v", m, err)
		}
		w.unrecoverable(err)
		w.mend(err, true)
		return false
	}
	w.check(m, result)
	return !p.unsent
}

// unrecoverable ends a run whose close names what cannot be had back: a seal that the log has lost again, or a file that changed
// at rest, of which the log no longer tells the content.
func (w *World) unrecoverable(err error) {
	text := err.Error()
	if mayGoOn(err) || !slices.ContainsFunc(w.partitionsIn(text), func(p *partition) bool { return len(p.lost) > 0 || p.start > 0 && p.bitten }) {
		return
	}
	for _, halt := range []string{"from the state store's backup", "from its backup", "is there with another content"} {
		if strings.Contains(text, halt) {
			w.say("what cannot be had back: %v", err)
			w.stopped = err
			w.unrecovered++
			return
		}
	}
}

// mischief draws what goes wrong around the processes.
func (w *World) mischief() {
	if w.budget == 0 {
		return
	}
	for range w.draw(3) {
		w.budget = max(w.budget-1, 0)
		w.outside(outsideFaults[w.draw(len(outsideFaults))])
	}
}

var outsideFaults = []fault{
	crash, power, zombie, rebalance, stall, restart, clockJump, growth, transaction, abort, failover, truncation, retention, diskFull, flip,
	crash, zombie, rebalance, stall, restart, clockJump, transaction, failover, flip, diskFull, flip,
}
