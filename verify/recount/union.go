package recount

import (
	"maps"
	"math/bits"
	"slices"

	"headcount/verify/report"
)

// union goes through the facts in order and counts them, partition by partition and together; along with them it reads the sealed
// files.
type union struct {
	s     *Subject
	in    *Input
	n     *Numbers
	r     *report.Report
	files map[int32]*along // of the partitions that have one

	at       fact // app and device being gathered
	started  bool
	sets     []uint16              // that the app at hand is counted for
	salt     salt                  // of its sketches
	parts    map[int32]*[16]uint32 // days by kind, of the device at hand, on time
	late     map[int32]*[16]uint32
	sketches map[int32]map[int][]byte // registers of the app at hand

	// kept until the heads are compared
	repeats map[place]uint64
	rows    map[place]uint64
	heads   map[place]*sealedApp
}

// place is an app's section of a partition's sealed file.
type place struct {
	late      bool
	partition int32
	app       string
}

// unite counts all facts, and what the partitions have besides. Where sealed is not nil the files are read along.
func unite(s *Subject, in *Input, n *Numbers, facts *facts, parts map[int32]*atSeal, sealed Sealed, r *report.Report) error {
	u := &union{s: s, in: in, n: n, r: r, files: map[int32]*along{}, parts: map[int32]*[16]uint32{}, late: map[int32]*[16]uint32{},
		sketches: map[int32]map[int][]byte{}, repeats: map[place]uint64{}, rows: map[place]uint64{}, heads: map[place]*sealedApp{}}
	for id, f := range sealed {
		u.files[id] = &along{SealedFile: f}
		u.nextApp(u.files[id])
	}
	if err := facts.each(u.add); err != nil {
		return err
	}
	u.device()
	u.leave()
	for _, id := range slices.Sorted(maps.Keys(u.files)) {
		u.end(u.files[id])
	}
	u.tally(parts)
	for name, a := range n.former {
		a.finish(s.Former.Month, name)
	}
	return nil
}

func (u *union) appOf(name string) *App {
	a := u.n.Apps[name]
	if a == nil {
		a = newApp()
		u.n.Apps[name] = a
	}
	return a
}

// add gathers one fact.
func (u *union) add(x *fact, days uint32) error {
	otherApp := !u.started || x.group != u.at.group || x.app != u.at.app
	if u.started && (otherApp || x.who != u.at.who) {
		u.device()
		if otherApp {
			u.leave()
		}
	}
	u.at, u.started = *x, true
	if otherApp {
		u.enter()
	}
	to := u.parts
	if x.late == 1 {
		to = u.late
	}
	if to[x.partition] == nil {
		to[x.partition] = &[16]uint32{}
	}
	to[x.partition][x.kind] |= days
	if x.group == ofMonth || x.late == 1 {
		u.repeats[place{x.late == 1, x.partition, x.app}] += uint64(bits.OnesCount32(days))
	}
	return nil
}

// enter begins an app.
func (u *union) enter() {
	u.sets = nil
	switch {
	case u.at.group == ofMonth:
		u.sets = u.in.Sets(u.at.app)
		u.salt = u.n.saltOf(u.s.Rules, u.at.app)
	case u.n.Late != nil:
		u.sets = u.in.LateSets(u.at.app)
	}
}

// device counts the device at hand.
func (u *union) device() {
	if len(u.parts)+len(u.late) == 0 {
		return
	}
	var all, late [16]uint32
	for id, days := range u.parts {
		for k, d := range days {
			all[k] |= d
		}
		if u.at.group == ofMonth {
			u.row(id, false, days)
			u.rows[place{false, id, u.at.app}]++
		}
	}
	for id, days := range u.late {
		for k, d := range days {
			late[k] |= d
		}
		u.row(id, true, days)
		u.rows[place{true, id, u.at.app}]++
	}
	clear(u.parts)
	clear(u.late)
	a := u.appOf(u.at.app)
	if u.at.group == ofMonth {
		for _, days := range all {
			a.facts += uint64(bits.OnesCount32(days))
		}
		a.digestRow(u.s.Closing.Month, u.at.app, u.at.who, &all)
		a.count(u.s.Rules, u.salt, u.sets, u.at.who, &all)
		return
	}
	if u.n.former != nil && all != [16]uint32{} {
		lateApp(u.n.former, u.at.app).digestRow(u.s.Former.Month, u.at.app, u.at.who, &all)
	}
	if devicesOf(u.s.FormerRules, &late) != 0 && devicesOf(u.s.FormerRules, &all) == 0 {
		a.LateNew++
	}
	if login(u.s.FormerRules, &late) && !login(u.s.FormerRules, &all) {
		a.LateUsers++
	}
	for k, d := range late {
		all[k] |= d
	}
	if u.n.Late != nil {
		lateApp(u.n.Late, u.at.app).countSets(u.sets, &all)
	}
}

// lateApp is an app of the month before.
func lateApp(late map[string]*App, name string) *App {
	a := late[name]
	if a == nil {
		a = newApp()
		late[name] = a
	}
	return a
}

// leave ends an app: its registers are compared.
func (u *union) leave() {
	for id, kinds := range u.sketches {
		f := u.files[id]
		if f == nil || f.pending == nil || f.pending.app != u.at.app {
			continue
		}
		sameRegisters(f.SealedFile, f.pending, u.salt, kinds, u.r)
		f.pending = nil
	}
	clear(u.sketches)
}

// login says whether any of a month's kinds that were done is login.
func login(rules *Rules, days *[16]uint32) bool {
	for k, d := range days {
		if d != 0 && k < len(rules.Kinds) && rules.Kinds[k] == "login" {
			return true
		}
	}
	return false
}
