package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
)

// outage is held for writing while Kafka is down: nothing is sent then.
type outage struct {
	sync.RWMutex
	turns atomic.Int64 // one when Kafka goes down, one when it is back
}

// since says whether Kafka was down, or is, since a turn.
func (o *outage) since(turn int64) bool {
	now := o.turns.Load()
	return now != turn || now%2 == 1
}

// lane is a topic that is counted by two processes and closed month after month, disturbed all the while.
type lane struct {
	*site
	t       *tally
	r       *rand.Rand
	records int
	cycles  int
	outage  *outage
	begun   [2]int64 // turn of the outage at which each member was started
	members [2]*process
	was     map[int32]reading // of each partition, by the process that was killed last
}

// reading is from where a killed process counted records.
type reading struct {
	from  place
	reads bool
}

func (l *lane) upTo(d time.Duration) time.Duration { return time.Duration(l.r.Int64N(int64(d))) }

// run lives months until enough processes were killed.
func (l *lane) run(ctx context.Context) error {
	defer func() {
		for _, m := range l.members {
			if m != nil {
				m.kill()
			}
		}
	}()
	for i := range l.members {
		if err := l.startMember(i); err != nil {
			return err
		}
	}
	for m := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC); !l.t.done(); m = m.AddDate(0, 1, 0) {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := m.Format("2006-01")
		if err := l.month(ctx, name); err != nil {
			return fmt.Errorf("%s, %s: %w", l.topics[0], name, err)
		}
	}
	return nil
}

// turns is how many times in a month records are sent, and processes killed.
const turns = 24

func (l *lane) month(ctx context.Context, name string) error {
	all, err := l.site.records(name, l.records, l.r.Uint64())
	if err != nil {
		return err
	}
	for i := range turns {
		part := all[i*len(all)/turns : (i+1)*len(all)/turns]
		if err := l.cycle(ctx, part); err != nil {
			return err
		}
	}
	if err := l.close(ctx, name); err != nil {
		return err
	}
	return l.compare(ctx, name)
}

func (l *lane) startMember(i int) (err error) {
	l.begun[i] = l.outage.turns.Load()
	l.members[i], err = l.start(nil, "ingest", "run", "--instance", "m"+strconv.Itoa(i))
	return err
}

// cycle sends some records and kills a process that reads them, or does worse.
func (l *lane) cycle(ctx context.Context, part []kafka.Message) error {
	if err := l.sendBoth(ctx, part); err != nil {
		return err
	}
	for i, m := range l.members {
		if m.running() {
			continue
		}
		if m.cmd.ProcessState.ExitCode() != 3 || !l.outage.since(l.begun[i]) {
			return fmt.Errorf("%s ended by itself:\n%s", m.line, m.tail())
		}
		if err := l.startMember(i); err != nil { // Kafka was down when it started
			return err
		}
	}
	l.cycles++
	i := l.r.IntN(2)
	switch n := l.r.IntN(100); { // what has had no effect yet comes soon
	case n == 0 || l.cycles%4 == 1 && l.t.lacks(stopped):
		return l.stop(ctx, i)
	case n >= 1 && n < 8 || l.cycles%4 == 2 && l.t.lacks(killedBoth):
		return l.killBoth(ctx)
	case n >= 8 && n < 16 || l.cycles%4 == 3 && l.t.lacks(damaged):
		return l.damage(ctx, i)
	}
	return l.kill(ctx, i)
}

func (l *lane) sendBoth(ctx context.Context, part []kafka.Message) error {
	l.outage.RLock()
	defer l.outage.RUnlock()
	return l.send(ctx, part)
}

// await lets a process run: to a random moment, or until it has counted records and a little longer.
func (l *lane) await(ctx context.Context, p *process) {
	if l.r.IntN(3) == 0 {
		sleep(ctx, l.upTo(150*time.Millisecond))
		return
	}
	p.until(ctx, 3*time.Second, func() bool { return len(p.first) > 0 })
	sleep(ctx, l.upTo(80*time.Millisecond))
}

// kill kills a process and starts it anew.
func (l *lane) kill(ctx context.Context, i int) error {
	l.await(ctx, l.members[i])
	if err := l.killed(i); err != nil {
		return err
	}
	return l.startMember(i)
}

// killed kills a process and notes what it had done.
func (l *lane) killed(i int) error {
	p := l.members[i]
	if !p.kill() {
		if p.cmd.ProcessState.ExitCode() == 3 && l.outage.since(l.begun[i]) {
			return nil // Kafka was down when it started
		}
		return fmt.Errorf("%s ended by itself:\n%s", p.line, p.tail())
	}
	l.t.cycle()
	l.t.note(killed, len(p.restored) > 0)
	l.t.note(killedReading, len(p.first) > 0)
	again, written := false, false
	for q, from := range p.restored {
		if w, ok := l.was[q]; ok {
			again = again || w.reads && w.from == from
			written = written || from.generation > w.from.generation
		}
		_, reads := p.first[q]
		l.was[q] = reading{from, reads}
	}
	l.t.note(readAgain, again)
	l.t.note(killedWritten, written)
	return nil
}

// killBoth kills both processes at once.
func (l *lane) killBoth(ctx context.Context) error {
	a, b := l.members[0], l.members[1]
	a.until(ctx, 3*time.Second, func() bool {
		return b.see(func() bool { return len(a.restored)+len(b.restored) == partitions })
	})
	sleep(ctx, l.upTo(80*time.Millisecond))
	for _, m := range l.members {
		m.cmd.Process.Kill()
	}
	held := 0
	for i, m := range l.members {
		if err := l.killed(i); err != nil {
			return err
		}
		held += len(m.restored)
		if err := l.startMember(i); err != nil {
			return err
		}
	}
	l.t.note(killedBoth, held == partitions)
	return nil
}

// stop stops a process for longer than its session lasts: the other takes its partitions. Then it goes on, as if nothing had
// been.
func (l *lane) stop(ctx context.Context, i int) error {
	p, other := l.members[i], l.members[1-i]
	p.until(ctx, 3*time.Second, func() bool { return len(p.first) > 0 })
	had := p.see(func() bool { return len(p.restored) > 0 })
	before := 0
	other.see(func() bool { before = len(other.restored); return true })
	if err := p.pause(); err != nil {
		return err
	}
	took := other.until(ctx, 6*time.Second, func() bool { return len(other.restored) == partitions && before < partitions })
	lines := 0
	p.see(func() bool { lines = len(p.log); return true })
	if err := p.resume(); err != nil {
		return err
	}
	l.t.note(stopped, had && took)
	wakes := p.until(ctx, 5*time.Second, func() bool { return len(p.log) > lines })
	l.t.note(woken, wakes)
	sleep(ctx, l.upTo(300*time.Millisecond))
	return l.kill(ctx, i)
}

// close closes a month: closes are killed at one step after the other, until one is let through.
func (l *lane) close(ctx context.Context, name string) error {
	args := []string{"close", "--month", name, "--json", "--verbose", "--open-books"}
	for _, at := range l.steps() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := l.killClose(ctx, at, args); err != nil {
			return err
		}
		if l.r.IntN(4) == 0 {
			if err := l.kill(ctx, l.r.IntN(2)); err != nil {
				return err
			}
		}
	}
	other, err := l.start(nil, "rollup", args...)
	if err != nil {
		return err
	}
	_, err = l.retry(ctx, args...)
	code, waited := other.wait()
	if err != nil || waited != nil {
		return fmt.Errorf("close: %w", errors.Join(err, waited))
	}
	l.t.note(twoCloses, code == 0)
	return nil
}

// steps are the lines of a close's log at which closes of a month are killed, in their order; "": at any moment.
func (l *lane) steps() (at []string) {
	for _, step := range []struct {
		line string
		hits fault
	}{
		{"", beforeClosing}, {"closing begun", closingBegun}, {"seals written", sealsWritten},
		{"every partition is sealed", allSealed}, {"month closed", closeDone}, {"", adopted},
	} {
		if l.r.IntN(3) > 0 || l.t.lacks(step.hits) {
			at = append(at, step.line)
		}
	}
	return at
}

func (l *lane) killClose(ctx context.Context, at string, args []string) error {
	pause := l.upTo(3 * time.Millisecond)
	if l.r.IntN(2) == 0 {
		pause = 0
	}
	var p *process
	begun := make(chan struct{})
	strike := func(line string) {
		<-begun
		if at != "" && strings.Contains(line, at) {
			time.Sleep(pause)
			p.cmd.Process.Kill()
		}
	}
	var err error
	if p, err = l.start(strike, "rollup", args...); err != nil {
		return err
	}
	close(begun)
	if at == "" {
		select {
		case <-p.ended:
		case <-time.After(l.upTo(150 * time.Millisecond)):
			p.cmd.Process.Kill()
		}
	}
	if _, err := p.wait(); err != nil {
		return err
	}
	if code := p.cmd.ProcessState.ExitCode(); code == 0 {
		return nil // it got through
	} else if code > 0 && code != 3 {
		return fmt.Errorf("%s: exit code %d\n%s", p.line, code, p.tail())
	} else if code == 3 {
		return nil // Kafka was down
	}
	l.t.cycle()
	l.t.note(closeStep(p), true)
	if p.says("going on with the closing") {
		l.t.note(adopted, true)
	}
	return nil
}

// closeStep says how far a killed close had come.
func closeStep(p *process) fault {
	for _, s := range []struct {
		line string
		step fault
	}{
		{"month closed", closeDone}, {"every partition is sealed", allSealed}, {"seals written", sealsWritten},
		{"closing begun", closingBegun}, {"going on with the closing", closingBegun},
	} {
		if p.says(s.line) {
			return s.step
		}
	}
	return beforeClosing
}

// retry runs a command of rollup until Kafka is there.
func (l *lane) retry(ctx context.Context, args ...string) ([]byte, error) {
	for try := 0; ; try++ {
		out, err := l.ok(ctx, "rollup", args...)
		if err == nil || try == 20 || ctx.Err() != nil || !strings.Contains(err.Error(), "exit code 3") {
			return out, err
		}
		sleep(ctx, time.Second)
	}
}

// compare closes the month in the calm topic and holds everything against it.
func (l *lane) compare(ctx context.Context, name string) error {
	var printed [2]string
	for i, config := range []string{disturbed, calm} {
		out, err := l.retry(ctx, "close", "--month", name, "--json", "--verbose", "--open-books", "--config", config)
		if err != nil {
			return err
		}
		if printed[i], err = content(out); err != nil {
			return err
		}
	}
	if printed[0] != printed[1] {
		return fmt.Errorf("usage or invoices differ from the undisturbed run's\ndisturbed:   %s\nundisturbed: %s", printed[0], printed[1])
	}
	got, err := l.sums(0, name)
	if err != nil {
		return err
	}
	want, err := l.sums(1, name)
	if err != nil {
		return err
	}
	if len(want) != partitions || len(got) != partitions {
		return fmt.Errorf("%d sealed files, undisturbed %d, want %d in %s", len(got), len(want), partitions, filepath.Join(l.dir, "data"))
	}
	for p := range want {
		if got[p] != want[p] {
			return fmt.Errorf("partition %s was sealed otherwise than undisturbed\ndisturbed:   %s\nundisturbed: %s", p, got[p], want[p])
		}
	}
	verified := 0
	if l.r.IntN(8) == 0 || l.cycles == turns { // the first, too
		if _, err := l.retry(ctx, "verify", "--month", name); err != nil {
			return err
		}
		verified = 1
	}
	l.t.add(func() { l.t.months++; l.t.files += len(want); l.t.verified += verified })
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
