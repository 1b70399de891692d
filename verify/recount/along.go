package recount

import (
	"bytes"
	"fmt"

	"headcount/verify/report"
)

// along is a partition's sealed month that is read along with the facts, which lie in the same order.
type along struct {
	*SealedFile
	app     *sealedApp // nil: at the end
	row     *row       // nil: at the app's end
	broken  bool
	pending *sealedApp // whose registers are to be compared
}

func (u *union) broke(f *along, err error) {
	if !f.broken {
		u.r.Wrong("sealed files", f.data, "a file that can be read", err.Error())
	}
	f.broken, f.app, f.row = true, nil, nil
}

func (u *union) nextApp(f *along) {
	var err error
	if f.app, err = f.r.nextApp(); err != nil {
		u.broke(f, err)
		return
	}
	if f.app != nil {
		head := *f.app
		head.registers = nil
		u.heads[place{head.section == 1, f.Partition, head.app}] = &head
		u.nextRow(f)
	}
}

func (u *union) nextRow(f *along) {
	var err error
	if f.row, err = f.r.nextRow(); err != nil {
		u.broke(f, err)
	}
}

// drain passes what a file has before an app: rows that the recount does not have.
func (u *union) drain(f *along, late bool, before string) {
	section := sectionOf(late)
	for f.app != nil && (f.app.section < section || f.app.section == section && (before == "" || f.app.app < before)) {
		for f.row != nil {
			u.extra(f)
			u.nextRow(f)
		}
		if f.broken {
			return
		}
		u.nextApp(f)
	}
}

func sectionOf(late bool) byte {
	if late {
		return 1
	}
	return 0
}

func (u *union) extra(f *along) {
	u.r.Wrong("sealed facts", fmt.Sprintf("%s: app %s, device %x", f.data, f.app.app, f.row.who[:]), "no such device", "one")
}

// row compares a device of the recount with the partition's file.
func (u *union) row(id int32, late bool, days *[16]uint32) {
	f := u.files[id]
	if f == nil || f.broken {
		return
	}
	if !u.reach(f, late) {
		if !f.broken {
			u.r.Wrong("sealed facts", fmt.Sprintf("%s: app %s, device %x", f.data, u.at.app, u.at.who[:]), "a device", "none")
		}
		return
	}
	for k, want := range days {
		if want != 0 || f.row.days[k] != 0 {
			u.r.Same("sealed facts", dayList(f.row.days[k]), dayList(want), "%s: app %s, device %x, kind %d, days", f.data, u.at.app, u.at.who[:], k)
		}
	}
	if !late {
		u.feed(id, f, days)
	}
	u.nextRow(f)
}

// reach goes to the device at hand in a file; false where the file does not have it.
func (u *union) reach(f *along, late bool) bool {
	u.drain(f, late, u.at.app)
	if f.app == nil || f.app.section != sectionOf(late) || f.app.app != u.at.app {
		return false
	}
	for f.row != nil && bytes.Compare(f.row.who[:], u.at.who[:]) < 0 {
		u.extra(f)
		u.nextRow(f)
	}
	return f.row != nil && f.row.who == u.at.who
}

// feed feeds the sketches that the app's registers are compared with.
func (u *union) feed(id int32, f *along, days *[16]uint32) {
	for k, d := range days {
		if d == 0 {
			continue
		}
		if u.sketches[id] == nil {
			u.sketches[id] = map[int][]byte{}
		}
		sketch(u.sketches[id], k, u.salt.hash(u.at.who), u.s.Rules.Precision)
	}
	if f.app.section == 0 {
		f.pending = f.app
	}
}

func dayList(days uint32) string {
	var all []int
	each(days, func(day int) { all = append(all, day) })
	return fmt.Sprint(all)
}

// sameRegisters compares an app's registers in a sealed file, and their salt, with those that its devices make.
func sameRegisters(f *SealedFile, a *sealedApp, s salt, want map[int][]byte, r *report.Report) {
	if len(a.registers) > 0 {
		r.Same("sealed sketches", fmt.Sprintf("%x", a.salt), fmt.Sprintf("%x", s), "%s: app %s, salt", f.data, a.app)
	}
	for k := range 16 {
		if want[k] != nil || a.registers[k] != nil {
			r.Same("sealed sketches", hashOf(a.registers[k]), hashOf(want[k]), "%s: app %s, registers of kind %d", f.data, a.app, k)
		}
	}
}

// end passes what is left of a file, and checks what it is as a whole.
func (u *union) end(f *along) {
	u.drain(f, false, "")
	u.drain(f, true, "")
	if f.broken {
		f.r.rest()
	}
	sameWhole(f.SealedFile, u.r)
}

// sameWhole compares a file that was read to its end with what its index says of it.
func sameWhole(f *SealedFile, r *report.Report) {
	r.Same("sealed files", f.r.sum(), f.Sum, "%s: SHA-256 by its index", f.data)
	r.Same("sealed files", f.r.size, f.Size, "%s: bytes by its index", f.data)
}
