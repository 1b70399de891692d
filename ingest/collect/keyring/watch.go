package keyring

import (
	"os"
	"sync"
	"time"
)

// Watch is a file of keys as a door uses it: looked at when somebody comes, once in a second at most. A file that cannot be read leaves
// what was known. Safe for concurrent use.
type Watch struct {
	path    string
	trouble func(error)

	mu   sync.Mutex
	keys *Keys
	info os.FileInfo // of what was read; nil: there was none
	next time.Time   // when to look again
}

// Open reads the file. trouble is told of a file that cannot be read later.
func Open(path string, trouble func(error)) (*Watch, error) {
	w := &Watch{path: path, trouble: trouble}
	w.info, _ = os.Stat(path)
	var err error
	w.keys, err = Read(path)
	return w, err
}

// Keys returns the keys as of now, or as of a second ago.
func (w *Watch) Keys(now time.Time) *Keys {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.Before(w.next) {
		return w.keys
	}
	w.next = now.Add(time.Second)
	info, err := os.Stat(w.path)
	if err == nil && w.info != nil && os.SameFile(info, w.info) && info.ModTime().Equal(w.info.ModTime()) && info.Size() == w.info.Size() {
		return w.keys
	}
	if err != nil && w.info == nil {
		return w.keys
	}
	keys, err := Read(w.path)
	if err == nil && info == nil && len(w.keys.All) > 0 {
		err = os.ErrNotExist // gone: that lets nobody in who was not
	}
	if err != nil {
		w.trouble(err)
		return w.keys
	}
	w.keys, w.info = keys, info
	return w.keys
}
