package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"

	"headcount/counter"
)

var errRemote = errors.New("the connection was reset")

// flaky is a bucket far away: its at-th call fails, having done what it was asked for or not.
type flaky struct {
	Bucket
	at, calls int
	applied   bool
	one       bool // it asks for checkpoints of one file
	fired     string
}

func (f *flaky) fails(call string) bool {
	f.calls++
	if f.calls == f.at+1 {
		f.fired = call
		return true
	}
	return false
}

func (f *flaky) OneFile() bool { return f.one }

func (f *flaky) Create(ctx context.Context, name string, write func(io.Writer) error) error {
	if !f.fails("create " + name) {
		return f.Bucket.Create(ctx, name, write)
	}
	if f.applied {
		if err := f.Bucket.Create(ctx, name, write); err != nil {
			return err
		}
	}
	return errRemote
}

func (f *flaky) Open(ctx context.Context, name string) (File, error) {
	if f.fails("open " + name) {
		return nil, errRemote
	}
	return f.Bucket.Open(ctx, name)
}

func (f *flaky) List(ctx context.Context, prefix string) ([]string, error) {
	if f.fails("list " + prefix) {
		return nil, errRemote
	}
	return f.Bucket.List(ctx, prefix)
}

func (f *flaky) Delete(ctx context.Context, name string) error {
	if !f.fails("delete " + name) {
		return f.Bucket.Delete(ctx, name)
	}
	if f.applied {
		if err := f.Bucket.Delete(ctx, name); err != nil {
			return err
		}
	}
	return errRemote
}

// Whatever call fails, applied or not, no delta is lost or applied twice, and no state is taken for missing.
func TestRemoteFailures(t *testing.T) {
	for _, one := range []bool{false, true} {
		t.Run(fmt.Sprintf("one file: %v", one), func(t *testing.T) { testRemoteFailures(t, one) })
	}
}

func testRemoteFailures(t *testing.T, one bool) {
	for _, applied := range []bool{false, true} {
		for k := 0; ; k++ {
			s := newScript(13)
			host, err := openOn(sealedState(), "state")
			if err != nil {
				t.Fatal(err)
			}
			far := &flaky{Bucket: host, at: k, applied: applied, one: one}
			when := func() string { return fmt.Sprintf("call %d (%s) fails, applied: %v", k, far.fired, applied) }
			restart := func() (p *Partition, m *model) {
				for range 3 {
					p = OpenTopic(far, "sdk-events", shardID.TopicID).Partition(shardID)
					m, _, err := load(t.Context(), p, newModel)
					if err == nil {
						return p, m
					}
					if errors.Is(err, ErrNone) {
						return p, newModel()
					}
					if !errors.Is(err, errRemote) {
						t.Fatalf("%s: %v", when(), err)
					}
				}
				t.Fatalf("%s: it does not load", when())
				return nil, nil
			}
			p, _ := restart()
			for range 12 {
				before := s.truth.clone()
				d := s.next(t)
				for try := 0; ; try++ {
					_, err := p.Save(t.Context(), d)
					if err == nil {
						break
					}
					if !errors.Is(err, errRemote) && !errors.Is(err, ErrLost) || try > 3 {
						t.Fatalf("%s: %v", when(), err)
					}
					// A failed save is tried again, or the state loaded; every other time the one, then the other.
					if k%2 == 0 || errors.Is(err, ErrLost) || p.writer == "" {
						var got *model
						p, got = restart()
						if got.diff(s.truth) == "" {
							break
						}
						if diff := got.diff(before); diff != "" {
							t.Fatalf("%s: %s", when(), diff)
						}
					}
				}
			}
			if _, got := restart(); got.diff(s.truth) != "" {
				t.Fatalf("%s: %s", when(), got.diff(s.truth))
			}
			if far.fired == "" {
				break
			}
		}
	}
}

func TestSealRemoteFailures(t *testing.T) {
	for _, applied := range []bool{false, true} {
		for k := 0; ; k++ {
			host, err := openOn(newState(), "state")
			if err != nil {
				t.Fatal(err)
			}
			far := &flaky{Bucket: host, at: k, applied: applied}
			p := OpenTopic(far, "sdk-events", shardID.TopicID).Partition(shardID)
			z := randomSealed(9, 3, 100, 4)
			if _, err = p.Seal(t.Context(), z); err != nil {
				if !errors.Is(err, errRemote) {
					t.Fatalf("call %d (%s) fails, applied: %v: %v", k, far.fired, applied, err)
				}
				_, err = p.Seal(t.Context(), z)
			}
			if err != nil {
				t.Fatalf("call %d (%s) fails, applied: %v: again: %v", k, far.fired, applied, err)
			}
			if far.fired == "" {
				break
			}
			far.at = -1
			checkSealed(t, p, z, fmt.Sprintf("call %d (%s) fails, applied: %v", k, far.fired, applied))
		}
	}
}

// Readers beside a writer always find a state that was saved.
func TestReadersBesideWriter(t *testing.T) {
	t.Chdir(t.TempDir())
	s := newScript(21)
	topic := openTopic(t, hostDisk{})
	rules, err := topic.Rules(t.Context(), template())
	if err != nil {
		t.Fatal(err)
	}
	p := topic.Partition(shardID)
	if _, _, err := load(t.Context(), p, newModel); !errors.Is(err, ErrNone) {
		t.Fatal(err)
	}
	var mu sync.Mutex
	states := []*model{}
	save := func() {
		d := s.next(t)
		for _, w := range d.Windows {
			if _, err := rules.MonthRules(w.Month); err != nil {
				t.Fatal(err)
			}
		}
		mu.Lock()
		states = append(states, s.truth.clone())
		mu.Unlock()
		if m := d.State.Sealed; m != 0 {
			if _, err := p.Seal(t.Context(), &counter.Sealed{Partition: shardID.Partition, Month: m, SealHash: sealOf(m), Precision: 4}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := p.Save(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	save()
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				_, got, loaded := begin(t, hostDisk{})
				mu.Lock()
				known := slices.ContainsFunc(states, func(m *model) bool { return got.diff(m) == "" })
				mu.Unlock()
				if !known {
					t.Errorf("a reader found what was never saved: %+v", loaded)
					return
				}
			}
		})
	}
	for range 40 {
		save()
	}
	close(done)
	wg.Wait()
}
