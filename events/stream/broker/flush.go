package broker

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// flusher makes records durable before their producer is told of them. The cluster can do that too, but passes over what the system
// answers; and it flushes within the loop that serves everybody, while here those who wait share a flush.
//
// The cluster handles one request after the other, and tells of each before it does. So a flush that begins after the request behind a
// produce was told of covers that produce; one that begins sooner may not.
type flusher struct {
	root     string        // where the partitions' folders lie
	requests atomic.Uint64 // that the cluster has been given
	produced atomic.Uint64 // the number of the last of them that brought records

	mu      sync.Mutex
	flushed uint64           // the requests at the beginning of the last flush
	sizes   map[string]int64 // of files, as they were last flushed
}

// watch counts the requests of a cluster.
func (f *flusher) watch(cluster *kfake.Cluster) {
	cluster.Control(func(r kmsg.Request) (kmsg.Response, error, bool) {
		n := f.requests.Add(1)
		if r.Key() == int16(kmsg.Produce) {
			f.produced.Store(n)
		}
		return nil, nil, false
	})
}

// flush makes all durable that the cluster has taken before it wrote the answer that is about to be sent. An error is for good: what
// the system could not write it has forgotten.
func (f *flusher) flush() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.produced.Load() < f.flushed || f.produced.Load() == 0 {
		return nil
	}
	begin := f.requests.Load()
	err := filepath.WalkDir(f.root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return unlessGone(err)
		}
		if e.IsDir() {
			return nil
		}
		info, err := os.Stat(path)
		if err != nil {
			return unlessGone(err)
		}
		before, known := f.sizes[path]
		if known && before == info.Size() {
			return nil
		}
		if err := persist(path); err != nil {
			return unlessGone(err)
		}
		if !known {
			if err := persist(filepath.Dir(path)); err != nil {
				return unlessGone(err)
			}
		}
		f.sizes[path] = info.Size()
		return nil
	})
	if err != nil {
		return fmt.Errorf("make records durable: %w", err)
	}
	f.flushed = begin
	return nil
}

// unlessGone passes over what is not there: the partitions of a topic that was deleted, or, while there is no record, all.
func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// persist has the system write what it keeps of a file, or of a folder's names.
func persist(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return file.Sync()
}

// guarded is a connection on which nothing is answered before it is durable, and nothing at all by a broker that has failed.
type guarded struct {
	net.Conn
	of *Broker
}

func (c guarded) Write(b []byte) (int, error) {
	if err := c.of.ready(); err != nil {
		c.Close()
		return 0, err
	}
	return c.Conn.Write(b)
}
