package sim

import (
	"context"
	"os"
	"path/filepath"
	"sync"

	"headcount/events"
	"headcount/rating/ledger"
	"headcount/rollup/closing"
)

// sqlite is the real ledger in a file of its own, which one run has to itself.
type sqlite struct {
	folder string
	l      *ledger.Ledger // nil: not made yet
}

// founded is a new ledger's file: to make one takes longer than a run.
var founded = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp(memory(), "headcount-sim-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "ledger.db")
	l, err := ledger.Create(context.Background(), "sqlite://"+path)
	if err != nil {
		return nil, err
	}
	if err := l.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// memory is a folder in memory, where there is one: what SQLite syncs is not what is tested here.
func memory() string {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		return "/dev/shm"
	}
	return ""
}

func (s *sqlite) open() (closing.Ledger, error) {
	if s.l == nil {
		return nil, ledger.ErrMissing
	}
	return s.l, nil
}

func (s *sqlite) create() (_ closing.Ledger, err error) {
	if s.l != nil {
		return nil, ledger.ErrExists
	}
	file, err := founded()
	if err != nil {
		return nil, err
	}
	if s.folder, err = os.MkdirTemp(memory(), "headcount-sim-"); err != nil {
		return nil, err
	}
	path := filepath.Join(s.folder, "ledger.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		return nil, err
	}
	if s.l, err = ledger.Open(context.Background(), "sqlite://"+path); err != nil {
		return nil, err
	}
	s.l.UseZones(events.LoadZone)
	return s.l, nil
}

// end verifies the ledger's chain, and removes it.
func (s *sqlite) end(w *World) {
	if s.l == nil {
		return
	}
	if _, err := s.l.Verify(context.Background()); err != nil {
		w.fail("the ledger does not verify: %v", err)
	}
	if err := s.l.Close(); err != nil {
		w.fail("close the ledger: %v", err)
	}
	os.RemoveAll(s.folder)
}
