package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"headcount/endtoend/apachekafka"
)

func run(ctx context.Context, o options) (err error) {
	dir := o.dir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "headcount-crash-"); err != nil {
			return err
		}
		defer func() {
			if err == nil || ctx.Err() != nil {
				os.RemoveAll(dir)
			} else {
				fmt.Fprintln(os.Stderr, "kept:", dir)
			}
		}()
	}
	if o.bin, err = filepath.Abs(o.bin); err != nil {
		return err
	}
	fmt.Printf("crash: %d cycles in %d lanes, --seed %d\n", o.cycles, o.lanes, o.seed)
	k, err := apachekafka.Start(ctx, apachekafka.Config{HeapMB: 768, Properties: map[string]string{"group.min.session.timeout.ms": "1000"}})
	if err != nil {
		return err
	}
	defer k.Close()
	if o.cycles > 0 {
		began := time.Now()
		t := newTally(o.cycles)
		if err := cycles(ctx, o, dir, k, t); err != nil {
			return err
		}
		took := time.Since(began)
		fmt.Printf("%d cycles in %v: %.0f ms each\n\n", t.cycles, took.Round(time.Second), float64(took.Milliseconds())/float64(t.cycles))
		err = t.print(os.Stdout)
	}
	if o.recoveries > 0 && err == nil {
		err = recoveries(ctx, o, filepath.Join(dir, "recovery"), k.Addr)
	}
	return err
}

// cycles runs the lanes, and beside them what befalls all of them.
func cycles(ctx context.Context, o options, dir string, k *apachekafka.Kafka, t *tally) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var down outage
	var lanes []*lane
	for i := range o.lanes {
		s, err := newSite(ctx, filepath.Join(dir, fmt.Sprintf("lane-%d", i)), o.bin, k.Addr, fmt.Sprintf("lane-%d", i))
		if err != nil {
			return err
		}
		lanes = append(lanes, &lane{
			site: s, t: t, r: rand.New(rand.NewPCG(o.seed, uint64(i))), records: o.records, outage: &down, was: map[int32]reading{},
		})
	}
	var all sync.WaitGroup
	for _, l := range lanes {
		all.Go(func() {
			if err := l.run(ctx); err != nil {
				stop(err)
			}
		})
	}
	all.Go(func() {
		kills := o.kafka
		if kills == 0 {
			kills = max(1, o.cycles/500)
		}
		if err := killKafka(ctx, k, kills, &down, filepath.Join(dir, "outage"), o.bin, t); err != nil {
			stop(err)
		}
	})
	all.Go(func() {
		if err := disks(ctx, o, filepath.Join(dir, "disk"), k.Addr, t, &down); err != nil {
			stop(err)
		}
	})
	reported := make(chan struct{})
	go func() {
		defer close(reported)
		for !t.done() && ctx.Err() == nil {
			sleep(ctx, 30*time.Second)
			t.add(func() { fmt.Fprintf(os.Stderr, "%d cycles, %d months\n", t.cycles, t.months) })
		}
	}()
	all.Wait()
	cause := context.Cause(ctx)
	stop(nil)
	<-reported
	if errors.Is(cause, context.Canceled) {
		return errors.New("interrupted")
	}
	return cause
}

// killKafka kills the broker now and then. A process of its own sees whether it is waited for.
func killKafka(ctx context.Context, k *apachekafka.Kafka, times int, down *outage, dir, bin string, t *tally) error {
	for i := range times {
		for t.share() < (float64(i)+0.5)/float64(times) {
			if sleep(ctx, 100*time.Millisecond); ctx.Err() != nil {
				return nil
			}
		}
		s, err := newSite(ctx, filepath.Join(dir, fmt.Sprint(i)), bin, k.Addr, fmt.Sprintf("outage-%d", i))
		if err != nil {
			return err
		}
		p, err := s.start(nil, "ingest", "run")
		if err != nil {
			return err
		}
		if !p.until(ctx, patience, func() bool { return len(p.restored) == partitions }) {
			return fmt.Errorf("no partitions after %v:\n%s", patience, p.tail())
		}
		down.Lock()
		down.turns.Add(1)
		err = k.Kill()
		complained := p.until(ctx, patience, func() bool { return p.warnings > 0 })
		if err == nil {
			err = k.Restart(ctx)
		}
		down.turns.Add(1)
		down.Unlock()
		if err != nil {
			return err
		}
		all, err := s.records("2001-01", 200, 1)
		if err == nil {
			err = s.send(ctx, all)
		}
		if err != nil {
			return err
		}
		waited := p.until(ctx, patience, func() bool { return len(p.first) == partitions })
		if p.kill(); !waited {
			if p.cmd.ProcessState.ExitCode() != 3 {
				return fmt.Errorf("a process that waited for Kafka did not count on:\n%s", p.tail())
			}
			// Kafka was away for longer than who takes partitions over waits for it: who is started next goes on.
			if _, err := s.ok(ctx, "ingest", "run", "--until-end"); err != nil {
				return err
			}
		}
		t.note(kafkaKilled, complained && waited)
	}
	return nil
}
