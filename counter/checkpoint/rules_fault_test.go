package checkpoint

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"headcount/events"
	"headcount/internal/durable/durabletest"
)

// useRules opens a topic's rules on a disk, makes those of a month where they are missing, and, if asked to, has it counted
// again under another limit. It returns what is in force.
func useRules(t *testing.T, d memDisk, recount bool) (*events.MonthRules, error) {
	t.Helper()
	b, err := openOn(d, "state")
	if err != nil {
		return nil, err
	}
	topic := OpenTopic(b, "t", "id")
	rules, err := topic.Rules(t.Context(), template())
	if err != nil {
		return nil, err
	}
	month, err := rules.MonthRules(october)
	if err != nil || !recount {
		return month, err
	}
	other := template()
	other.Limits.RecordBytes = 1000
	return topic.Recount(t.Context(), october, other)
}

// An operation that fails on the way to a month's rules, or to their next revision, leaves what was in force or what was to
// come, whole; and the next process gets through.
func TestRulesFailures(t *testing.T) {
	for _, with := range []error{syscall.ENOSPC, syscall.EIO} {
		for _, recount := range []bool{false, true} {
			for k := 0; ; k++ {
				disk := inMemory(durabletest.NewMemory())
				if recount {
					if _, err := useRules(t, disk, false); err != nil {
						t.Fatal(err)
					}
				}
				fired, op := disk.FailAt(k, with)
				_, err := useRules(t, disk, recount)
				where := fmt.Sprintf("%v at %s, recount: %v", with, *op, recount)
				if err != nil && !errors.Is(err, with) || errors.Is(err, ErrFatal) != strings.HasPrefix(*op, "sync") {
					t.Fatalf("%s: %v", where, err)
				}
				for lost, memory := range disk.Losses(1, k) {
					now, after := useRules(t, inMemory(memory), false)
					if after != nil || err == nil && recount != (now.Limits.RecordBytes == 1000) {
						t.Fatalf("%s, %s of what was not synced lost: %+v, %v", where, lost, now, after)
					}
				}
				if now, err := useRules(t, inMemory(disk.Memory), recount); err != nil || recount != (now.Limits.RecordBytes == 1000) {
					t.Fatalf("%s, again: %v", where, err)
				}
				if !*fired {
					break
				}
			}
		}
	}
}

// A recount that a crash cuts short did not happen, or did: what it had promised stays.
func TestRecountCrash(t *testing.T) {
	happened := map[string]int{}
	for k := 0; ; k++ {
		disk := inMemory(durabletest.NewMemory())
		if _, err := useRules(t, disk, false); err != nil {
			t.Fatal(err)
		}
		fired := disk.CrashAt(k)
		_, promised := useRules(t, disk, true)
		for lost, memory := range disk.Losses(2, k) {
			now, err := useRules(t, inMemory(memory), false)
			if err != nil || promised == nil && now.Limits.RecordBytes != 1000 {
				t.Fatalf("crash at operation %d, %s of what was not synced lost: %+v, %v", k, lost, now, err)
			}
			if now.Limits.RecordBytes == 1000 {
				happened[lost]++
			}
		}
		if !*fired {
			break
		}
	}
	if happened["nothing"] <= happened["all"] || happened["all"] == 0 {
		t.Errorf("the losses make no difference: %v", happened)
	}
}

// Every bit of the rules that a checkpoint was counted by is seen when it changes: nothing is counted by others, or again.
func TestRulesEveryBit(t *testing.T) {
	if testing.Short() {
		t.Skip("slow under the race detector")
	}
	disk := sealedState()
	s := newScript(1)
	p, _, _ := begin(t, disk)
	for len(s.truth.Windows) == 0 {
		if _, err := p.Save(t.Context(), s.next(t)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"topic.json", rulesName(p.current.Rules[0].Month, 1)} {
		file := p.topic.rulesFolder() + name
		for bit := range 8 * len(content(t, p.bucket, file)) {
			flip := func(b []byte) []byte { b[bit/8] ^= 1 << (bit % 8); return b }
			disk.corrupt(t, "state/"+file, flip)
			_, _, err := load(t.Context(), open(t, disk), newModel)
			disk.corrupt(t, "state/"+file, flip)
			if err == nil || errors.Is(err, ErrNone) || !strings.Contains(err.Error(), name) {
				t.Fatalf("%s, bit %d: %v", file, bit, err)
			}
		}
	}
	if _, _, err := load(t.Context(), open(t, disk), newModel); err != nil {
		t.Errorf("the test has left damage: %v", err)
	}
}
