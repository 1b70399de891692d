package recount

import (
	"bufio"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
)

// The groups of facts, in order.
const (
	ofMonth  = iota // of the month, on time
	ofBefore        // of the month before: on time, then what came late
)

// fact is one kind that one device did in one partition, and on which days.
type fact struct {
	group     uint8
	late      uint8 // 1: after its month's seal
	kind      uint8
	partition int32
	app       string
	who       print
}

func compareFacts(a, b *fact) int {
	return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.app, b.app), slices.Compare(a.who[:], b.who[:]),
		cmp.Compare(a.late, b.late), cmp.Compare(a.partition, b.partition), cmp.Compare(a.kind, b.kind))
}

// facts keeps facts in a map and, where they are too many, in sorted files.
type facts struct {
	most int // in the map
	set  map[fact]uint32
	apps map[string]string // one copy of each
	runs []*os.File
	dir  string
}

func newFacts(most int, dir string) *facts {
	return &facts{most: most, dir: dir, set: map[fact]uint32{}, apps: map[string]string{}}
}

// add adds a day.
func (f *facts) add(x fact, day int) error { return f.addDays(x, 1<<day) }

// addDays adds days.
func (f *facts) addDays(x fact, days uint32) error {
	app, ok := f.apps[x.app]
	if !ok {
		app = x.app
		f.apps[app] = app
	}
	x.app = app
	f.set[x] |= days
	if len(f.set) >= f.most {
		return f.spill()
	}
	return nil
}

func (f *facts) sorted() []fact {
	keys := make([]fact, 0, len(f.set))
	for x := range f.set {
		keys = append(keys, x)
	}
	slices.SortFunc(keys, func(a, b fact) int { return compareFacts(&a, &b) })
	return keys
}

// spill writes the map to a file, sorted.
func (f *facts) spill() error {
	file, err := os.CreateTemp(f.dir, "headcount-verify-")
	if err != nil {
		return err
	}
	_ = os.Remove(file.Name()) // it lives as long as it is open
	f.runs = append(f.runs, file)
	w := bufio.NewWriterSize(file, 1<<18)
	var b []byte
	for _, x := range f.sorted() {
		b = append(b[:0], x.group, x.late, x.kind)
		b = binary.LittleEndian.AppendUint32(b, uint32(x.partition))
		b = append(b, x.who[:]...)
		b = binary.LittleEndian.AppendUint32(b, f.set[x])
		b = append(binary.AppendUvarint(b, uint64(len(x.app))), x.app...)
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	clear(f.set)
	return w.Flush()
}

func (f *facts) close() {
	for _, file := range f.runs {
		file.Close()
	}
}

// run is a sorted sequence of facts.
type run struct {
	fact
	days uint32
	next func(*run) error // io.EOF: there is no further one
}

type runs []*run

func (r runs) Len() int           { return len(r) }
func (r runs) Less(i, j int) bool { return compareFacts(&r[i].fact, &r[j].fact) < 0 }
func (r runs) Swap(i, j int)      { r[i], r[j] = r[j], r[i] }
func (r *runs) Push(x any)        { *r = append(*r, x.(*run)) }
func (r *runs) Pop() any {
	last := (*r)[len(*r)-1]
	*r = (*r)[:len(*r)-1]
	return last
}

// each calls do with every fact once, in order.
func (f *facts) each(do func(x *fact, days uint32) error) error {
	keys := f.sorted()
	all := runs{{next: func(r *run) error {
		if len(keys) == 0 {
			return io.EOF
		}
		r.fact, r.days = keys[0], f.set[keys[0]]
		keys = keys[1:]
		return nil
	}}}
	for _, file := range f.runs {
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		all = append(all, &run{next: f.reader(bufio.NewReaderSize(file, 1<<16))})
	}
	var ready runs
	for _, r := range all {
		err := r.next(r)
		if errors.Is(err, io.EOF) {
			continue
		}
		if err != nil {
			return err
		}
		ready = append(ready, r)
	}
	heap.Init(&ready)
	var at fact
	var days uint32
	for len(ready) > 0 {
		r := ready[0]
		if days != 0 && compareFacts(&at, &r.fact) != 0 {
			if err := do(&at, days); err != nil {
				return err
			}
			days = 0
		}
		at, days = r.fact, days|r.days
		err := r.next(r)
		switch {
		case errors.Is(err, io.EOF):
			heap.Pop(&ready)
		case err != nil:
			return err
		default:
			heap.Fix(&ready, 0)
		}
	}
	if days != 0 {
		return do(&at, days)
	}
	return nil
}

func (f *facts) reader(in *bufio.Reader) func(*run) error {
	return func(r *run) error {
		var b [27]byte
		if _, err := io.ReadFull(in, b[:]); err != nil {
			return err
		}
		r.group, r.late, r.kind = b[0], b[1], b[2]
		r.partition = int32(binary.LittleEndian.Uint32(b[3:]))
		r.who = print(b[7:23])
		r.days = binary.LittleEndian.Uint32(b[23:])
		n, err := binary.ReadUvarint(in)
		if err != nil {
			return err
		}
		app := make([]byte, n)
		if _, err := io.ReadFull(in, app); err != nil {
			return err
		}
		r.app = f.apps[string(app)]
		return nil
	}
}
