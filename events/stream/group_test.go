package stream_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"headcount/events"
	"headcount/events/stream"
	"headcount/events/stream/wire"
)

// world watches members: no partition may be held by two.
type world struct {
	t       testing.TB
	mu      sync.Mutex
	holder  map[events.Partition]string
	revoked map[string][]events.Partition
	slow    time.Duration // that a worker takes to stop
}

func newWorld(t testing.TB) *world {
	return &world{t: t, holder: map[events.Partition]string{}, revoked: map[string][]events.Partition{}}
}

// member is one process's handler.
type member struct {
	w    *world
	name string
}

func (m member) Assigned(ps []events.Partition) {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	for _, p := range ps {
		if was, ok := m.w.holder[p]; ok {
			m.w.t.Errorf("%s was given partition %d, which %s holds", m.name, p, was)
		}
		m.w.holder[p] = m.name
	}
}

func (m member) Revoked(ps []events.Partition) {
	time.Sleep(m.w.slow)
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	for _, p := range ps {
		if m.w.holder[p] != m.name {
			m.w.t.Errorf("%s lost partition %d, which %q holds", m.name, p, m.w.holder[p])
		}
		delete(m.w.holder, p)
	}
	m.w.revoked[m.name] = append(m.w.revoked[m.name], ps...)
}

func (w *world) counts() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := map[string]int{}
	for _, name := range w.holder {
		n[name]++
	}
	return n
}

// becomes waits for a distribution of partitions.
func (w *world) becomes(want map[string]int) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for !maps.Equal(w.counts(), want) {
		if time.Now().After(deadline) {
			w.t.Fatalf("partitions %v, want %v", w.counts(), want)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// evenly waits until the members named share n partitions.
func (w *world) evenly(n int, names ...string) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		sum, counts := 0, w.counts()
		for _, name := range names {
			if c := counts[name]; c == n/len(names) || c == (n+len(names)-1)/len(names) {
				sum += c
			}
		}
		if sum == n {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("partitions %v, want %d shared evenly by %v", counts, n, names)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// join runs Assign; the returned function ends it and returns its error.
func (w *world) join(c stream.Config, name string) (leave func() error) {
	w.t.Helper()
	l := dial(w.t, c)
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() {
		err := l.Assign(ctx, member{w, name})
		if err != nil {
			w.t.Errorf("%s: assign: %v", name, err)
		}
		done <- err
	}()
	var once sync.Once
	var err error
	leave = func() error {
		once.Do(func() {
			cancel()
			select {
			case err = <-done:
			case <-time.After(patience):
				err = errors.New("assign does not end")
			}
		})
		return err
	}
	w.t.Cleanup(func() { leave() })
	return leave
}

func groupConfig(t testing.TB, addr, topic, instance string) stream.Config {
	c := config(t, addr, topic)
	c.Group, c.Instance, c.SessionTimeout = "group-of-"+topic, instance, patience+time.Minute // no machine is too slow to remain a member
	return c
}

func TestAssignWithoutGroup(t *testing.T) {
	addr := brokerAddr(t)
	name, _ := topic(t, addr, 3)
	w := newWorld(t)
	leave := w.join(config(t, addr, name), "a")
	w.becomes(map[string]int{"a": 3})
	grow(t, addr, name, 5)
	w.becomes(map[string]int{"a": 5})
	if err := leave(); err != nil {
		t.Error(err)
	}
	w.becomes(map[string]int{})
}

func TestGroupSharesAndMovesLittle(t *testing.T) {
	addr := brokerAddr(t)
	name, _ := topic(t, addr, 6)
	w := newWorld(t)
	w.slow = 300 * time.Millisecond
	leaveA := w.join(groupConfig(t, addr, name, ""), "a")
	w.becomes(map[string]int{"a": 6})
	leaveB := w.join(groupConfig(t, addr, name, ""), "b")
	w.becomes(map[string]int{"a": 3, "b": 3})
	w.join(groupConfig(t, addr, name, ""), "c")
	w.becomes(map[string]int{"a": 2, "b": 2, "c": 2})
	w.mu.Lock()
	if n := len(w.revoked["a"]); n != 4 {
		t.Errorf("a lost %v, want 4 partitions: those that stay are not to be touched", w.revoked["a"])
	}
	w.mu.Unlock()
	if err := leaveA(); err != nil {
		t.Error(err)
	}
	w.becomes(map[string]int{"b": 3, "c": 3})
	grow(t, addr, name, 9)
	w.evenly(9, "b", "c")
	if err := leaveB(); err != nil {
		t.Error(err)
	}
	w.becomes(map[string]int{"c": 9})
}

// A static member that is killed and comes back has its partitions at once.
func TestStaticMemberComesBack(t *testing.T) {
	addr := brokerAddr(t)
	name, _ := topic(t, addr, 4)
	w := newWorld(t)
	leave := w.join(groupConfig(t, addr, name, "one"), "one")
	w.join(groupConfig(t, addr, name, "two"), "two")
	w.becomes(map[string]int{"one": 2, "two": 2})
	if err := leave(); err != nil {
		t.Error(err)
	}
	w.mu.Lock()
	kept := slices.Clone(w.revoked["two"])
	w.mu.Unlock()
	w.join(groupConfig(t, addr, name, "one"), "one")
	w.becomes(map[string]int{"one": 2, "two": 2}) // well before its session ends
	w.mu.Lock()
	if !slices.Equal(kept, w.revoked["two"]) {
		t.Errorf("the other lost %v meanwhile", w.revoked["two"])
	}
	w.mu.Unlock()
	grow(t, addr, name, 8)
	w.becomes(map[string]int{"one": 4, "two": 4})
	owners, err := dial(t, groupConfig(t, addr, name, "")).Owners(t.Context())
	if err != nil || len(owners) != 8 || owners[0] != "one" && owners[0] != "two" {
		t.Errorf("owners %v, %v", owners, err)
	}
}

// Of two processes under one name the older leaves, and says why.
func TestStaticNameTakenTwice(t *testing.T) {
	addr := brokerAddr(t)
	name, _ := topic(t, addr, 2)
	l := dial(t, groupConfig(t, addr, name, "same"))
	w := newWorld(t)
	done := make(chan error, 1)
	go func() { done <- l.Assign(t.Context(), member{w, "old"}) }()
	w.becomes(map[string]int{"old": 2})
	w2 := newWorld(t)
	w2.join(groupConfig(t, addr, name, "same"), "new")
	select {
	case err := <-done:
		var fenced *stream.FencedError
		if !errors.As(err, &fenced) {
			t.Errorf("the older ended with %v", err)
		}
	case <-time.After(patience):
		t.Fatal("the older does not leave")
	}
	w.becomes(map[string]int{})
	w2.becomes(map[string]int{"new": 2})
}

func TestCommit(t *testing.T) {
	addr := brokerAddr(t)
	name, _ := topic(t, addr, 2)
	l := dial(t, groupConfig(t, addr, name, ""))
	if err := l.Commit(t.Context(), map[events.Partition]events.Offset{0: 1}); err != nil {
		t.Errorf("without membership: %v", err)
	}
	told := func(p events.Partition, want events.Offset) {
		t.Helper()
		if got, err := l.Committed(t.Context(), p); err != nil || got != want {
			t.Errorf("committed of partition %d is %d, %v; want %d", p, got, err, want)
		}
	}
	// On a Kafka that has just started, who asks first has the coordinators made, and is told that there are none yet.
	for late := time.Now().Add(patience); time.Now().Before(late); time.Sleep(50 * time.Millisecond) {
		if _, err := l.Committed(t.Context(), 0); wire.CodeOf(err) != wire.CodeNoCoordinator {
			break
		}
	}
	told(0, -1)
	w := newWorld(t)
	go l.Assign(t.Context(), member{w, "a"})
	w.becomes(map[string]int{"a": 2})
	told(1, -1)
	if err := l.Commit(t.Context(), map[events.Partition]events.Offset{0: 7, 1: 9}); err != nil {
		t.Error(err)
	}
	if got, want := fmt.Sprint(committed(t, addr, "group-of-"+name, name, 2)), "map[0:7 1:9]"; got != want {
		t.Errorf("committed %v, want %v", got, want)
	}
	told(0, 7)
	told(1, 9)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := l.Committed(ctx, 0); err == nil || got != -1 {
		t.Errorf("committed is %d, %v after the end", got, err)
	}
}
