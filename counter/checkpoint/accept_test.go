package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"headcount/counter"
	"headcount/events"
)

var losses = []counter.Gap{{From: -1, To: 0, Reason: "a former topic"}, {From: 60, To: 100, Reason: "cut \"short\" \xff"}, {From: 60, To: 101, Reason: "cut short"}}

var accepted = time.Date(2026, 10, 3, 8, 15, 30, 123, time.FixedZone("", 3600))

// onRecord returns what is on record of a partition, none of it damaged.
func onRecord(t *testing.T, p *Partition) []counter.Gap {
	t.Helper()
	gaps, damaged, err := p.Gaps(t.Context())
	if err != nil || len(damaged) > 0 {
		t.Fatal(damaged, err)
	}
	return gaps
}

// blind is a store whose lists are of before anything was written.
type blind struct{ Bucket }

func (blind) List(context.Context, string) ([]string, error) { return nil, nil }

// Every loss is recorded once, in order, for its partition, and found by who sees nothing listed.
func TestAccept(t *testing.T) {
	p := open(t, newState())
	for i, g := range []counter.Gap{losses[0], losses[1], losses[0], losses[2], losses[1]} {
		if err := p.Accept(t.Context(), g, accepted.Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	other := shardID
	other.Partition++
	topic := OpenTopic(blind{p.bucket}, "sdk-events", shardID.TopicID)
	if got := onRecord(t, topic.Partition(shardID)); !slices.Equal(got, losses) {
		t.Errorf("on record are %v, want %v", got, losses)
	}
	if got := onRecord(t, topic.Partition(other)); len(got) > 0 {
		t.Errorf("of another partition: %v", got)
	}
	if names, err := p.GapFiles(t.Context()); err != nil || len(names) != 3 || !strings.HasSuffix(names[2], "/gaps/3-3.gap") {
		t.Errorf("files %v, %v", names, err)
	}
	if all, err := topic.Partitions(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("a record passes for partitions %v, %v", all, err)
	}
}

// Of any number that record losses at a time, none takes another's place.
func TestAcceptRace(t *testing.T) {
	for name, b := range buckets(t) {
		topic := OpenTopic(b, "race", shardID.TopicID)
		var wg sync.WaitGroup
		const writers = 8
		for i := range writers {
			wg.Go(func() {
				for _, n := range []events.Offset{events.Offset(i), 100} { // one of its own, and one that all accept
					if err := topic.Partition(shardID).Accept(t.Context(), counter.Gap{From: n, To: n + 1}, accepted); err != nil {
						t.Error(name, err)
					}
				}
			})
		}
		wg.Wait()
		got := onRecord(t, topic.Partition(shardID))
		slices.SortFunc(got, func(a, b counter.Gap) int { return int(a.From - b.From) })
		if len(got) != writers+1 || len(slices.Compact(got)) != writers+1 {
			t.Errorf("%s: %v are on record", name, got)
		}
	}
}

// acceptAll records the losses one after the other, and returns how many were promised.
func acceptAll(ctx context.Context, b Bucket) (promised int, err error) {
	p := OpenTopic(b, "sdk-events", shardID.TopicID).Partition(shardID)
	for _, g := range losses {
		if err := p.Accept(ctx, g, accepted); err != nil {
			return promised, err
		}
		promised++
	}
	return promised, nil
}

// After a crash at any operation what was promised is on record, and recording all again ends the same.
func TestAcceptCrash(t *testing.T) {
	gone := map[string]int{}
	for k := 0; ; k++ {
		disk := newState()
		fired := disk.CrashAt(k)
		promised := 0
		if b, err := openOn(disk, "state"); err == nil {
			promised, _ = acceptAll(t.Context(), b)
		}
		for lost, memory := range disk.Losses(3, k) {
			p := open(t, inMemory(memory))
			got := onRecord(t, p)
			if len(got) < promised || !slices.Equal(got, losses[:len(got)]) {
				t.Fatalf("crash at operation %d, %s of what was not synced lost: %v are on record, %d promised", k, lost, got, promised)
			}
			if len(got) == promised {
				gone[lost]++
			}
			if _, err := acceptAll(t.Context(), p.bucket); err != nil {
				t.Fatal(err)
			}
			if got := onRecord(t, p); !slices.Equal(got, losses) {
				t.Fatalf("crash at operation %d, %s lost, again: %v", k, lost, got)
			}
		}
		if !*fired {
			break
		}
	}
	if gone["all"] <= gone["nothing"] || gone["nothing"] == 0 {
		t.Errorf("the losses make no difference: %v", gone)
	}
}

// A failed operation is an error, one of an fsync is fatal, and the next process gets through.
func TestAcceptFailures(t *testing.T) {
	for _, with := range []error{syscall.ENOSPC, syscall.EIO} {
		for k := 0; ; k++ {
			disk := newState()
			fired, op := disk.FailAt(k, with)
			b, err := openOn(disk, "state")
			if err == nil {
				_, err = acceptAll(t.Context(), b)
			}
			if err != nil && (!errors.Is(err, with) || errors.Is(err, ErrFatal) != strings.HasPrefix(*op, "sync")) {
				t.Fatalf("%v at %s: %v", with, *op, err)
			}
			p := open(t, inMemory(disk.Memory))
			if _, err := acceptAll(t.Context(), p.bucket); err != nil {
				t.Fatalf("%v at %s, again: %v", with, *op, err)
			}
			if got := onRecord(t, p); !slices.Equal(got, losses) {
				t.Fatalf("%v at %s: %v", with, *op, got)
			}
			if !*fired {
				break
			}
		}
	}
}

// Whatever call to a store far away fails, applied or not, a loss is recorded once when it is accepted again; a look for losses
// that fails finds none missing.
func TestAcceptRemoteFailures(t *testing.T) {
	for _, applied := range []bool{false, true} {
		for k := 0; ; k++ {
			p := open(t, newState())
			f := &flaky{Bucket: p.bucket, at: k, applied: applied}
			if _, err := acceptAll(t.Context(), f); err != nil && !errors.Is(err, errRemote) {
				t.Fatalf("%s: %v", f.fired, err)
			}
			if _, err := acceptAll(t.Context(), f); err != nil && !errors.Is(err, errRemote) {
				t.Fatalf("%s: %v", f.fired, err)
			}
			gaps, damaged, err := OpenTopic(f, "sdk-events", shardID.TopicID).Partition(shardID).Gaps(t.Context())
			if failed := errors.Is(err, errRemote); !failed && !slices.Equal(gaps, losses) || len(damaged) > 0 {
				t.Fatalf("%s, applied %v: %v, %v, %v", f.fired, applied, gaps, damaged, err)
			}
			if f.fired == "" {
				break
			}
		}
	}
}

// Every bit of a record is seen when it changes: it is named, and the other losses are found as before.
func TestGapEveryBit(t *testing.T) {
	disk := newState()
	p := open(t, disk)
	if _, err := acceptAll(t.Context(), p.bucket); err != nil {
		t.Fatal(err)
	}
	file := p.gapName(2)
	for bit := range 8 * len(content(t, p.bucket, file)) {
		flip := func(b []byte) []byte { b[bit/8] ^= 1 << (bit % 8); return b }
		disk.corrupt(t, "state/"+file, flip)
		gaps, damaged, err := p.Gaps(t.Context())
		disk.corrupt(t, "state/"+file, flip)
		if err != nil || !slices.Equal(gaps, []counter.Gap{losses[0], losses[2]}) || len(damaged) != 1 || !strings.Contains(fmt.Sprint(damaged), file) {
			t.Fatalf("bit %d: %v, %v, %v", bit, gaps, damaged, err)
		}
	}
	disk.corrupt(t, "state/"+file, func(b []byte) []byte { return []byte(content(t, p.bucket, p.gapName(1))) })
	if _, damaged, err := p.Gaps(t.Context()); err != nil || len(damaged) != 1 {
		t.Errorf("another's record in its place: %v, %v", damaged, err)
	}
	disk.corrupt(t, "state/"+file, func([]byte) []byte {
		doc, err := encodeDocument(gapKind, gapVersion+1, &gapRecord{})
		if err != nil {
			t.Fatal(err)
		}
		return doc
	})
	if _, _, err := p.Gaps(t.Context()); !errors.Is(err, ErrVersion) {
		t.Errorf("a record of a newer version: %v", err)
	}
}

// early is a store whose lists are of when there was one sealed month.
type early struct{ Bucket }

func (e early) List(ctx context.Context, prefix string) ([]string, error) {
	names, err := e.Bucket.List(ctx, prefix)
	return names[:min(2, len(names))], err // a data file, then its index
}

// What is sealed is found, however old a list the store gives out, as long as it has one month.
func TestSealedMonthsBehindAnOldList(t *testing.T) {
	p := open(t, sealedState())
	want, err := p.SealedMonths(t.Context())
	if err != nil || len(want) != 24 {
		t.Fatal(want, err)
	}
	topic := OpenTopic(early{p.bucket}, "sdk-events", shardID.TopicID)
	if got, err := topic.Partition(shardID).SealedMonths(t.Context()); err != nil || !slices.Equal(got, want) {
		t.Errorf("sealed are %v, %v, want %v", got, err, want)
	}
	if got, err := topic.NewestSealed(t.Context()); err != nil || got != want[23] {
		t.Errorf("the newest is %v, %v, want %v", got, err, want[23])
	}
}

// unlisted is a store whose lists are empty.
type unlisted struct{ Bucket }

func (unlisted) List(context.Context, string) ([]string, error) { return nil, nil }

// The newest month whose seal lies before an offset is found though no list tells of it.
func TestSealedBefore(t *testing.T) {
	p := open(t, newState())
	const october = events.Month(2026*12 + 9)
	for i := range events.Month(3) {
		z := &counter.Sealed{Partition: shardID.Partition, Month: october + i, Offset: 10 * events.Offset(i+1), SealHash: sealOf(october + i), Precision: 4}
		if _, err := p.Seal(t.Context(), z); err != nil {
			t.Fatal(err)
		}
	}
	p = OpenTopic(unlisted{p.bucket}, "sdk-events", shardID.TopicID).Partition(shardID)
	for _, c := range []struct {
		offset             events.Offset
		after, until, want events.Month
	}{
		{10, 0, october + 99, 0}, {11, 0, october + 99, october}, {30, 0, october + 99, october + 1}, {31, 0, october + 99, october + 2},
		{31, 0, october + 1, october + 1}, {31, october + 1, october + 2, october + 2}, {31, october + 2, october + 99, 0}, {30, october + 1, october + 99, 0},
	} {
		m, hash, err := p.SealedBefore(t.Context(), c.offset, c.after, c.until)
		if err != nil || m != c.want || m != 0 && hash != sealOf(m) {
			t.Errorf("%+v: got %v, %q, %v", c, m, hash, err)
		}
	}
}

// Losses on record are found though no list tells of them.
func TestGapsUnlisted(t *testing.T) {
	p := open(t, newState())
	if _, err := acceptAll(t.Context(), p.bucket); err != nil {
		t.Fatal(err)
	}
	p = OpenTopic(unlisted{p.bucket}, "sdk-events", shardID.TopicID).Partition(shardID)
	if gaps, damaged, err := p.Gaps(t.Context()); err != nil || len(damaged) > 0 || !slices.Equal(gaps, losses) {
		t.Errorf("%v, %v, %v, want %v", gaps, damaged, err, losses)
	}
}
