// Package durabletest has a file system for tests of what must last: it keeps apart what is visible and what outlives a crash,
// and lets a test crash a process at an operation, or fail one.
package durabletest

import (
	"bytes"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"headcount/internal/durable"
)

// Memory is a file system that keeps apart what is visible and what lasts. Nothing lasts but what was synced: of a file its
// bytes, of a folder its entries.
type Memory struct {
	mu   sync.Mutex
	root *node
}

type node struct {
	data   []byte // of a file: all that was written
	synced int    // bytes of data that last
	writer *Disk
	open   bool

	entries map[string]*node // of a folder; nil: it is a file
	lasting map[string]*node
}

func newFolder() *node { return &node{entries: map[string]*node{}, lasting: map[string]*node{}} }

// NewMemory returns an empty one.
func NewMemory() *Memory { return &Memory{root: newFolder()} }

// Lose makes a memory of what lasts. With r, each thing that does not may be there all the same, or in part.
func (m *Memory) Lose(r *rand.Rand) *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &Memory{root: m.root.lose(r)}
}

func (n *node) lose(r *rand.Rand) *node {
	if n.entries == nil {
		keep := n.synced
		if r != nil {
			keep += r.IntN(len(n.data) - n.synced + 1)
		}
		return &node{data: bytes.Clone(n.data[:keep]), synced: keep}
	}
	after := newFolder()
	names := slices.Sorted(maps.Keys(n.entries))
	for name := range n.lasting {
		if n.entries[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		from := n.lasting[name]
		if n.entries[name] != from && r != nil && r.IntN(2) == 0 {
			from = n.entries[name]
		}
		if from != nil {
			after.entries[name] = from.lose(r)
		}
	}
	after.lasting = maps.Clone(after.entries)
	return after
}

// Survive makes a memory of all that is visible: the process has died, the machine has not.
func (m *Memory) Survive() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &Memory{root: m.root.survive()}
}

func (n *node) survive() *node {
	if n.entries == nil {
		return &node{data: bytes.Clone(n.data), synced: len(n.data)}
	}
	after := newFolder()
	for name, e := range n.entries {
		after.entries[name] = e.survive()
	}
	after.lasting = maps.Clone(after.entries)
	return after
}

// Losses are memories after a crash that takes nothing of what was not synced, some of it, all of it.
func (m *Memory) Losses(seed uint64, k int) map[string]*Memory {
	return map[string]*Memory{
		"nothing": m.Survive(), "some": m.Lose(rand.New(rand.NewPCG(seed, uint64(k)))), "all": m.Lose(nil),
	}
}

func (m *Memory) find(path string) (*node, error) {
	n := m.root
	for _, e := range strings.Split(filepath.Clean(path), "/") {
		if e == "" || e == "." {
			continue
		}
		if n.entries == nil || n.entries[e] == nil {
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		}
		n = n.entries[e]
	}
	return n, nil
}

// Temporaries counts the temporary files anywhere.
func (m *Memory) Temporaries() int {
	var count func(n *node) int
	count = func(n *node) (sum int) {
		for name, e := range n.entries {
			if strings.HasPrefix(name, durable.Temporary) {
				sum++
			}
			sum += count(e)
		}
		return sum
	}
	return count(m.root)
}

// Unlocked runs f, from within Before, while the memory is not locked.
func (m *Memory) Unlocked(f func()) {
	m.mu.Unlock()
	defer m.mu.Lock()
	f()
}

// Corrupt changes a file's bytes behind the back of whoever made it.
func (m *Memory) Corrupt(path string, change func([]byte) []byte) error {
	n, err := m.find(path)
	if err != nil {
		return err
	}
	n.data = change(bytes.Clone(n.data))
	n.synced = len(n.data)
	return nil
}
