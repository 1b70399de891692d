package checkpoint

import (
	"os"
	"time"
)

// attended is a bucket that knows whether anybody counts into it.
type attended interface {
	attend() (leave func(), err error)
	unattended() bool
}

// Attend says that this process counts into the topic's store, until leave or the process's end, however it ends: Unattended is how
// others ask. Where the store cannot hold that, it says nothing, and does no harm.
func (t *Topic) Attend() (leave func()) {
	if a, ok := t.bucket.(attended); ok {
		if leave, err := a.attend(); err == nil {
			return leave
		}
	}
	return func() {}
}

// Unattended says that no process counts into the topic's store: true is certain on one machine, and where the store's folder is on
// a file system whose locks hold between machines. False: somebody does, or it is not known.
func (t *Topic) Unattended() bool {
	a, ok := t.bucket.(attended)
	return ok && a.unattended()
}

// attend implements attended by a lock of the folder itself, which needs no file, and goes with the process.
func (d *directory) attend() (leave func(), err error) {
	if _, host := d.disk.(hostDisk); !host {
		return func() {}, nil
	}
	if err := os.MkdirAll(d.root, 0o700); err != nil {
		return nil, err
	}
	f, err := lockFolder(d.root, true)
	for try := 0; err != nil && try < 100; try++ { // who asks has it for an instant
		time.Sleep(time.Millisecond)
		f, err = lockFolder(d.root, true)
	}
	if err != nil {
		return nil, err
	}
	return func() { f.Close() }, nil
}

func (d *directory) unattended() bool {
	if _, host := d.disk.(hostDisk); !host {
		return false
	}
	f, err := lockFolder(d.root, false)
	if err != nil {
		return os.IsNotExist(err)
	}
	f.Close()
	return true
}
