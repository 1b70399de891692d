package verify

import (
	"fmt"
	"maps"
	"slices"
)

// fromSealed counts from the sealed files, where there is no log: what they say is united and compared with the ledger. What
// they left out, or say wrongly, cannot be seen.
func (v *verification) fromSealed(files map[int32]*sealedFile) error {
	v.report.remark("the log was not read: that the sealed files hold what the log held was not checked, nor the seals' signatures")
	progress := v.begin("read from the sealed files", "rows", v.rowsOf(files))
	defer progress.End()
	if err := v.addFormer(); err != nil {
		return err
	}
	read := int64(0)
	for _, id := range slices.Sorted(maps.Keys(files)) {
		f := files[id]
		p := newPartition(v, id)
		v.parts[id] = p
		p.sealOffset, p.onTime = f.Offset, windows{}
		p.nameless = stretch{f.Unattributed.Expired, f.Unattributed.Rejected, f.Unattributed.OverLimit}
		var sum, late sums
		err := v.readSealed(f, func(a *sealedApp, distinct uint64) {
			to := &sum
			if a.section == 1 {
				to = &late
			}
			to.apps++
			to.rows += a.devices
			v.report.same("sealed counters", a.repeats, a.counters.events-distinct, "%s: app %s%s: duplicates, by events and facts", f.data, a.app, lateWord(a.section == 1))
			if read += int64(a.devices); a.section == 1 {
				v.late.totals(a.app, a.totals)
				return
			}
			to.events += a.counters.events
			to.repeats += a.repeats
			to.skewed += a.counters.skewed
			p.onTime[a.app] = &window{counters: a.counters, totals: a.totals}
			p.stretches[a.app] = a.stretch
			to.stretch.expired += a.stretch.expired
			to.stretch.rejected += a.stretch.rejected
			to.stretch.overLimit += a.stretch.overLimit
		}, func(a *sealedApp, x fact) (fact, bool) {
			if a.section == 1 {
				x.group, x.late = ofBefore, 1
			}
			return x, a.section == 0 || v.before != 0
		})
		if err != nil {
			return err
		}
		v.compareIdentity(f, id)
		v.compareSums(f, &sum, &late)
		progress.Set(read)
	}
	return v.unite(nil)
}

func (v *verification) rowsOf(files map[int32]*sealedFile) (rows int64) {
	for _, f := range files {
		rows += int64(f.Rows + f.LateRows)
	}
	return rows
}

// readSealed reads a sealed file whole: it adds the facts that keep keeps, and calls end after each app with the number of its
// distinct facts. What is wrong with the file is a difference.
func (v *verification) readSealed(f *sealedFile, end func(a *sealedApp, distinct uint64), keep func(a *sealedApp, x fact) (fact, bool)) error {
	bad := func(err error) { v.report.wrong("sealed files", f.data, "a file that can be read", err.Error()) }
	for {
		a, err := f.r.nextApp()
		if err != nil {
			bad(err)
			break
		}
		if a == nil {
			break
		}
		distinct, registers := uint64(0), map[int][]byte{}
		for {
			var r *row
			if r, err = f.r.nextRow(); err != nil || r == nil {
				break
			}
			for k, days := range r.days {
				if days == 0 {
					continue
				}
				sketch(registers, k, r.who, f.Precision)
				x, ok := keep(a, fact{partition: f.Partition, app: a.app, who: r.who, kind: uint8(k)})
				for day := range 32 {
					if days>>day&1 == 0 {
						continue
					}
					distinct++
					if !ok {
						continue
					}
					if err := v.facts.add(x, day); err != nil {
						return err
					}
				}
			}
		}
		if err != nil {
			bad(err)
			break
		}
		end(a, distinct)
		if a.section == 0 {
			v.sameRegisters(f, a, registers)
		}
	}
	f.r.rest()
	v.report.same("sealed files", f.r.sum(), f.Sum, "%s: SHA-256 by its index", f.data)
	v.report.same("sealed files", f.r.size, f.Size, "%s: bytes by its index", f.data)
	return nil
}

// addFormer adds the facts that were on time of the month before, from its sealed files: the late ones are held against them.
// Where those files cannot be had, what came late of that month is not counted, and the report says so.
func (v *verification) addFormer() error {
	if v.before == 0 {
		return nil
	}
	rules := v.book.months[v.before]
	if rules == nil {
		return v.leaveFormer("%s/rules: no rules of %s can be read", v.folder, v.before)
	}
	folder := escape(v.former.Topic) + "/" + escape(v.former.TopicID)
	var files []*sealedFile
	defer func() {
		for _, f := range files {
			f.in.Close()
		}
	}()
	for _, id := range v.former.Partitions {
		f, err := v.openSealed(folder, id, v.before.String())
		if err != nil {
			return v.leaveFormer("%w", err)
		}
		files = append(files, f)
		v.report.same("sealed index", f.SealID, v.former.SealID, "%s: seal_id, by the ledger's closing", f.file)
	}
	for _, f := range files {
		err := v.readSealed(f, func(a *sealedApp, _ uint64) {
			if a.section == 0 {
				v.late.totals(a.app, a.totals)
			}
		}, func(a *sealedApp, x fact) (fact, bool) {
			x.group = ofBefore
			return x, a.section == 0
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (v *verification) leaveFormer(format string, args ...any) error {
	v.report.remark("what came late of %s was not counted: %s", v.before, fmt.Errorf(format, args...))
	v.before, v.late = 0, nil
	return nil
}
