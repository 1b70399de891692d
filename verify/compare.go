package verify

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"maps"
	"math/bits"
	"slices"
)

// app is what the recount has of an app of the month, over all partitions.
type app struct {
	counters
	stretch   stretch
	repeats   uint64 // duplicates
	kinds     [16]uint64
	registers map[int][]byte
	active    [32]uint64
	fresh     [32]uint64 // devices whose first day it is
	users     [32]uint64
	sets      map[uint16]*setCount
	totals    map[quantity]standing
	lateNew   uint64 // devices of the month before that came late only
	lateSets  map[uint16]uint64
	digest    string
	listed    bool // it has numbers of the month itself

	hash hash.Hash
}

// setCount counts the devices that did any of some kinds.
type setCount struct {
	exact uint64
	days  [32]uint64
	fresh [32]uint64
}

// sealedFile is a partition's sealed month, being read along with the recount.
type sealedFile struct {
	*index
	in      io.Closer
	r       *sealedReader
	app     *sealedApp // nil: at the end
	row     *row       // nil: at the app's end
	broken  bool
	pending *sealedApp // whose registers are to be compared
}

// union goes through the facts in order and counts them, partition by partition and together; along with them it reads the
// sealed files.
type union struct {
	v     *verification
	files map[int32]*sealedFile // of the partitions that have one

	at       fact // app and device being gathered
	started  bool
	parts    map[int32]*[16]uint32 // days by kind, of the device at hand, on time
	late     map[int32]*[16]uint32
	sketches map[int32]map[int][]byte // registers of the app at hand

	// repeats and devices by group, partition and app, kept until the heads are compared
	repeats map[place]uint64
	rows    map[place]uint64
}

type place struct {
	late      bool
	partition int32
	app       string
}

func (v *verification) appOf(name string) *app {
	a := v.apps[name]
	if a == nil {
		a = &app{registers: map[int][]byte{}, sets: map[uint16]*setCount{}, totals: map[quantity]standing{}, lateSets: map[uint16]uint64{}}
		v.apps[name] = a
	}
	return a
}

// begin starts the digest of an app: see the comment of each step for the bytes.
func (a *app) begin(month, name string) {
	a.hash = sha256.New()
	a.hash.Write([]byte("headcount usage 1\n" + month))
	a.text(name)
}

func (a *app) text(s string) {
	a.hash.Write(binary.LittleEndian.AppendUint16(nil, uint16(len(s))))
	io.WriteString(a.hash, s)
}

func (a *app) digestRow(who print, days *[16]uint32) {
	b := append([]byte{1}, who[:]...)
	set := uint16(0)
	for k, d := range days {
		if d != 0 {
			set |= 1 << k
		}
	}
	b = binary.LittleEndian.AppendUint16(b, set)
	for _, d := range days {
		if d != 0 {
			b = binary.LittleEndian.AppendUint32(b, d)
		}
	}
	a.hash.Write(b)
}

func (a *app) finish(month, name string) {
	if a.hash == nil {
		a.begin(month, name)
	}
	order := slices.SortedFunc(maps.Keys(a.totals), compareQuantities)
	a.hash.Write([]byte{0})
	a.hash.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(order))))
	for _, q := range order {
		t := a.totals[q]
		a.text(q.meter)
		a.text(q.source)
		b := []byte{byte(q.day)}
		b = binary.LittleEndian.AppendUint64(b, uint64(t.revision))
		a.hash.Write(binary.LittleEndian.AppendUint64(b, uint64(t.value)))
	}
	a.digest = "sha256:" + hex.EncodeToString(a.hash.Sum(nil))
}

func compareQuantities(a, b quantity) int {
	switch {
	case a.meter != b.meter:
		return bytes.Compare([]byte(a.meter), []byte(b.meter))
	case a.source != b.source:
		return bytes.Compare([]byte(a.source), []byte(b.source))
	}
	return a.day - b.day
}

// unite counts all facts. Where files is not nil they are read along.
func (v *verification) unite(files map[int32]*sealedFile) error {
	u := &union{v: v, files: files, parts: map[int32]*[16]uint32{}, late: map[int32]*[16]uint32{},
		sketches: map[int32]map[int][]byte{}, repeats: map[place]uint64{}, rows: map[place]uint64{}}
	for _, f := range files {
		u.open(f)
	}
	if err := v.facts.each(u.add); err != nil {
		return err
	}
	u.device()
	u.leave()
	for _, id := range slices.Sorted(maps.Keys(files)) {
		u.drain(files[id], false, "")
		u.drain(files[id], true, "")
		u.heads(files[id])
	}
	v.tally(u)
	return nil
}

// add gathers one fact.
func (u *union) add(x *fact, days uint32) error {
	if u.started && (x.group != u.at.group || x.app != u.at.app || x.who != u.at.who) {
		u.device()
		if x.group != u.at.group || x.app != u.at.app {
			u.leave()
		}
	}
	u.at, u.started = *x, true
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

// device counts the device at hand.
func (u *union) device() {
	if !u.started || len(u.parts)+len(u.late) == 0 {
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
	if u.at.group == ofMonth {
		u.v.appOf(u.at.app).count(u.v, u.at.app, u.at.who, &all)
		return
	}
	a := u.v.appOf(u.at.app)
	u.v.countLate(a, &all, &late)
	if u.v.late != nil {
		u.v.late.device(u.at.app, &all, &late)
	}
}

// devicesOf returns the days on which a device did any kind but login.
func (v *verification) devicesOf(rules *monthRules, days *[16]uint32) (all uint32) {
	for k, d := range days {
		if k < len(rules.Kinds) && rules.Kinds[k] != "login" {
			all |= d
		}
	}
	return all
}

func (a *app) count(v *verification, name string, who print, days *[16]uint32) {
	if a.hash == nil {
		a.begin(v.Month, name)
	}
	a.digestRow(who, days)
	for k, d := range days {
		if d == 0 {
			continue
		}
		a.kinds[k]++
		sketch(a.registers, k, who, v.rules.Precision)
		if v.rules.Kinds[k] == "login" {
			each(d, func(day int) { a.users[day]++ })
		}
	}
	if d := v.devicesOf(v.rules, days); d != 0 {
		a.fresh[bits.TrailingZeros32(d)]++
		each(d, func(day int) { a.active[day]++ })
	}
	for _, set := range v.setsOf(name) {
		any := uint32(0)
		for k, d := range days {
			if set>>k&1 == 1 {
				any |= d
			}
		}
		if any == 0 {
			continue
		}
		c := a.sets[set]
		if c == nil {
			c = &setCount{}
			a.sets[set] = c
		}
		c.exact++
		c.fresh[bits.TrailingZeros32(any)]++
		each(any, func(day int) { c.days[day]++ })
	}
}

func each(days uint32, do func(day int)) {
	for day := range 32 {
		if days>>day&1 == 1 {
			do(day)
		}
	}
}

// raise feeds a sketch: the first p bits name the register, it holds the longest run of zeros after them, plus one.
func raise(registers []byte, hash uint64, p int) {
	at := hash >> (64 - p)
	run := byte(1)
	for bit := 63 - p; bit >= 0 && hash>>bit&1 == 0; bit-- {
		run++
	}
	registers[at] = max(registers[at], run)
}

// countLate counts a device of the month before.
func (v *verification) countLate(a *app, onTime, late *[16]uint32) {
	rules := v.book.months[v.before]
	if v.devicesOf(rules, late) != 0 && v.devicesOf(rules, onTime) == 0 {
		a.lateNew++
	}
}

// open opens a sealed file's first app.
func (u *union) open(f *sealedFile) { u.nextApp(f) }

func (u *union) broke(f *sealedFile, err error) {
	if !f.broken {
		u.v.report.wrong("sealed files", f.data, "a file that can be read", err.Error())
	}
	f.broken, f.app, f.row = true, nil, nil
}

func (u *union) nextApp(f *sealedFile) {
	var err error
	if f.app, err = f.r.nextApp(); err != nil {
		u.broke(f, err)
		return
	}
	if f.app != nil {
		u.v.head(f)
		u.nextRow(f)
	}
}

func (u *union) nextRow(f *sealedFile) {
	var err error
	if f.row, err = f.r.nextRow(); err != nil {
		u.broke(f, err)
	}
}

// drain passes what a file has before an app: rows that the recount does not have.
func (u *union) drain(f *sealedFile, late bool, before string) {
	section := byte(0)
	if late {
		section = 1
	}
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

func (u *union) extra(f *sealedFile) {
	u.v.report.wrong("sealed facts", fmt.Sprintf("%s: app %s, device %x", f.data, f.app.app, f.row.who[:]), "no such device", "one")
}

// row holds a device of the recount against the partition's file.
func (u *union) row(id int32, late bool, days *[16]uint32) {
	f := u.files[id]
	if f == nil || f.broken {
		return
	}
	section := byte(0)
	if late {
		section = 1
	}
	missing := func() {
		u.v.report.wrong("sealed facts", fmt.Sprintf("%s: app %s, device %x", f.data, u.at.app, u.at.who[:]), "a device", "none")
	}
	u.drain(f, late, u.at.app)
	if f.app == nil || f.app.section != section || f.app.app != u.at.app {
		if !f.broken {
			missing()
		}
		return
	}
	for f.row != nil && bytes.Compare(f.row.who[:], u.at.who[:]) < 0 {
		u.extra(f)
		u.nextRow(f)
	}
	if f.row == nil || f.row.who != u.at.who {
		if !f.broken {
			missing()
		}
		return
	}
	for k, want := range days {
		if want != 0 || f.row.days[k] != 0 {
			u.v.report.same("sealed facts", dayList(f.row.days[k]), dayList(want), "%s: app %s, device %x, kind %d, days", f.data, u.at.app, u.at.who[:], k)
		}
	}
	if !late {
		for k, d := range days {
			if d == 0 {
				continue
			}
			if u.sketches[id] == nil {
				u.sketches[id] = map[int][]byte{}
			}
			sketch(u.sketches[id], k, u.at.who, u.v.rules.Precision)
		}
		if f.app.section == 0 {
			f.pending = f.app
		}
	}
	u.nextRow(f)
}

func dayList(days uint32) string {
	var all []int
	each(days, func(day int) { all = append(all, day) })
	return fmt.Sprint(all)
}

// sketch feeds a kind's registers.
func sketch(registers map[int][]byte, kind int, who print, p int) {
	if registers[kind] == nil {
		registers[kind] = make([]byte, 1<<p)
	}
	raise(registers[kind], binary.LittleEndian.Uint64(who[8:]), p)
}

// sameRegisters holds an app's registers in a sealed file against those that its devices make.
func (v *verification) sameRegisters(f *sealedFile, a *sealedApp, want map[int][]byte) {
	for k := range 16 {
		if want[k] != nil || a.registers[k] != nil {
			v.report.same("sealed sketches", hashOf(a.registers[k]), hashOf(want[k]), "%s: app %s, registers of kind %d", f.data, a.app, k)
		}
	}
}

// leave ends an app: its registers are compared.
func (u *union) leave() {
	for id, kinds := range u.sketches {
		f := u.files[id]
		if f == nil || f.pending == nil || f.pending.app != u.at.app {
			continue
		}
		u.v.sameRegisters(f, f.pending, kinds)
		f.pending = nil
	}
	clear(u.sketches)
}

// heads checks what a file is as a whole.
func (u *union) heads(f *sealedFile) {
	if f.broken {
		f.r.rest()
	}
	u.v.report.same("sealed files", f.r.sum(), f.Sum, "%s: SHA-256 by its index", f.data)
	u.v.report.same("sealed files", f.r.size, f.Size, "%s: bytes by its index", f.data)
}
