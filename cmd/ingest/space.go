package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"headcount/cmd/config"
	"headcount/events/stream"
)

// Free space, in bytes, below which nothing can be counted any more, and below which that is near. A checkpoint, a sealed month and the
// broker's next records find room in the first no longer.
const (
	noSpace     = 16 << 20
	littleSpace = 1 << 30
)

// checkSpace looks at the file systems that state, ledger and the embedded broker's log lie on.
func checkSpace(c *config.Config) []stream.Finding {
	var folders []folder
	if dir, ok := strings.CutPrefix(c.State.Reveal(), "file://"); ok {
		folders = append(folders, folder{"state", dir})
	}
	if file, ok := strings.CutPrefix(c.Ledger.Reveal(), "sqlite://"); ok {
		file, _, _ = strings.Cut(file, "?")
		folders = append(folders, folder{"ledger", filepath.Dir(file)})
	}
	if e := c.Kafka.Embedded; e != nil {
		folders = append(folders, folder{"broker's log", e.DataDir})
	}
	return spaceOf(folders, roomOn)
}

// folder is what lies where.
type folder struct{ what, path string }

// room is what a file system has left.
type room struct {
	on            string // which one, of this machine
	bytes, inodes uint64 // for this user; inodes are the most there are where the file system has no bound
}

// spaceOf has a line for each file system.
func spaceOf(folders []folder, roomOn func(dir string) (room, error)) (found []stream.Finding) {
	at := map[string]int{}
	for _, f := range folders {
		dir := existing(f.path)
		r, err := roomOn(dir)
		if err != nil {
			found = append(found, stream.Finding{Check: "space", Verdict: stream.Warn, Detail: fmt.Sprintf("%s: how much is left in %s is not known: %v", f.what, dir, err), Remedy: "look at it now and then"})
			continue
		}
		if i, ok := at[r.on]; ok {
			found[i].Detail = strings.Replace(found[i].Detail, ": ", ", "+f.what+": ", 1)
			continue
		}
		at[r.on] = len(found)
		one := stream.Finding{Check: "space", Verdict: stream.Pass, Detail: fmt.Sprintf("%s: %d MiB free in %s", f.what, r.bytes>>20, dir), Remedy: "make room there"}
		switch {
		case r.inodes < 100:
			one.Verdict, one.Detail = stream.Fail, fmt.Sprintf("%s: room for %d files in %s", f.what, r.inodes, dir)
		case r.bytes < noSpace:
			one.Verdict = stream.Fail
		case r.bytes < littleSpace:
			one.Verdict = stream.Warn
		default:
			one.Remedy = ""
		}
		found = append(found, one)
	}
	return found
}

// existing is a folder, or the nearest above it that is there.
func existing(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil || !os.IsNotExist(err) || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}
