package recount

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"slices"

	"headcount/verify/report"
)

// countSealed counts from the sealed files, where there is no log: what they say is united and compared with the ledger. What they
// left out, or say wrongly, cannot be seen.
func countSealed(ctx context.Context, s *Subject, in *Input, r *report.Report) (*Numbers, error) {
	r.Remark("the log was not read: that the sealed files hold what the log held was not checked, nor the seals' signatures")
	progress := s.Begin.Begin("read from the sealed files", "rows", in.Sealed.rows())
	defer progress.End()
	n := newNumbers(s, in)
	facts := newFacts(s.Facts, s.Folder)
	defer facts.close()
	if err := n.addFormer(ctx, s, facts, r); err != nil {
		return nil, err
	}
	parts, read := map[int32]*atSeal{}, int64(0)
	for _, id := range slices.Sorted(maps.Keys(in.Sealed)) {
		f := in.Sealed[id]
		p, err := n.addSealed(s, id, f, facts, r)
		if err != nil {
			return nil, err
		}
		parts[id] = p
		read += int64(f.Rows + f.LateRows)
		progress.Set(read)
	}
	return n, unite(s, in, n, facts, parts, nil, r)
}

func (s Sealed) rows() (rows int64) {
	for _, f := range s {
		rows += int64(f.Rows + f.LateRows)
	}
	return rows
}

// addSealed adds a sealed file's facts, and returns the rest of what it has.
func (n *Numbers) addSealed(s *Subject, id int32, f *SealedFile, facts *facts, r *report.Report) (*atSeal, error) {
	p := &atSeal{id: id, offset: f.Offset, onTime: windows{}, stretches: map[string]Stretch{}, nameless: Stretch(f.Unattributed)}
	var sum, late sums
	keep := func(a *sealedApp, x fact) (fact, bool) {
		if a.section == 1 {
			x.group, x.late = ofBefore, 1
		}
		return x, a.section == 0 || n.Before != 0
	}
	saltOf := func(a *sealedApp) salt {
		if _, ok := n.salts[a.app]; !ok && len(a.registers) > 0 {
			n.salts[a.app] = a.salt // of another partition it must be the same
		}
		return n.saltOf(s.Rules, a.app)
	}
	err := readSealed(f, facts, saltOf, keep, func(a *sealedApp, distinct uint64) {
		r.Same("sealed counters", a.repeats, a.counters.Events-distinct, "%s: app %s%s: duplicates, by events and facts", f.data, a.app, lateWord(a.section == 1))
		if a.section == 1 {
			late.apps++
			late.rows += a.devices
			n.addLateTotals(a)
			return
		}
		sum.add(a.devices, a.repeats, a.counters, a.stretch)
		p.onTime[a.app] = &window{Counters: a.counters, totals: a.totals}
		p.stretches[a.app] = a.stretch
	}, r)
	if err != nil {
		return nil, err
	}
	compareIdentity(s, f, id, r)
	compareSums(f, &sum, &late, r)
	if p.remarks, _, err = f.remarked(); err != nil {
		r.Wrong("sealed index", f.file, "remarks that can be read", err.Error())
	}
	return p, nil
}

// addLateTotals takes what an app was reported of the month before.
func (n *Numbers) addLateTotals(a *sealedApp) {
	if n.Late != nil {
		totals(lateApp(n.Late, a.app).Totals).takeAll(a.totals)
	}
}

// readSealed reads a sealed file whole: it adds the facts that keep keeps, and calls end after each app with the number of its
// distinct facts. What is wrong with the file is a difference. saltOf says by what an app's sketches must have been made.
func readSealed(f *SealedFile, facts *facts, saltOf func(a *sealedApp) salt, keep func(a *sealedApp, x fact) (fact, bool), end func(a *sealedApp, distinct uint64), r *report.Report) error {
	for {
		a, err := f.r.nextApp()
		if err == nil && a == nil {
			break
		}
		var read sealedFacts
		var salt salt
		if err == nil {
			if a.section == 0 {
				salt = saltOf(a)
			}
			read, err = readFacts(f, a, facts, salt, keep)
		}
		if full, ok := errors.AsType[errFacts](err); ok {
			return full.error
		}
		if err != nil {
			r.Wrong("sealed files", f.data, "a file that can be read", err.Error())
			break
		}
		end(a, read.distinct)
		if a.section == 0 {
			sameRegisters(f, a, salt, read.registers, r)
		}
	}
	f.r.rest()
	sameWhole(f, r)
	return nil
}

// sealedFacts are the facts of an app in a sealed file, counted.
type sealedFacts struct {
	distinct  uint64 // by device, kind and day
	registers map[int][]byte
}

// errFacts says that a fact could not be kept: that is no fault of the file.
type errFacts struct{ error }

func readFacts(f *SealedFile, a *sealedApp, facts *facts, salt salt, keep func(a *sealedApp, x fact) (fact, bool)) (sealedFacts, error) {
	read := sealedFacts{registers: map[int][]byte{}}
	for {
		w, err := f.r.nextRow()
		if err != nil || w == nil {
			return read, err
		}
		for k, days := range w.days {
			if days == 0 {
				continue
			}
			sketch(read.registers, k, salt.hash(w.who), f.Precision)
			read.distinct += uint64(bits.OnesCount32(days))
			x, ok := keep(a, fact{partition: f.Partition, app: a.app, who: w.who, kind: uint8(k)})
			if !ok {
				continue
			}
			if err := facts.addDays(x, days); err != nil {
				return read, errFacts{err}
			}
		}
	}
}

// addFormer adds the facts that were on time of the month before, from its sealed files: a late one is new where they do not have it.
// Where those files cannot be had, what came late of that month is not counted, and the report says so.
func (n *Numbers) addFormer(ctx context.Context, s *Subject, facts *facts, r *report.Report) error {
	if n.Before == 0 {
		return nil
	}
	leave := func(why any) {
		n.former = nil
		r.Remark("what came late of %s was not counted: %s", n.Before, why)
		n.Before, n.Late = 0, nil
	}
	if s.FormerRules == nil {
		leave(fmt.Sprintf("%s/rules: no rules of %s can be read", s.folder, n.Before))
		return nil
	}
	files := Sealed{}
	defer files.Close()
	for _, id := range s.Former.Partitions {
		f, broken := openSealed(ctx, s.Files, folderOf(&s.Former), id, n.Before.String())
		if broken != nil {
			if n.former != nil && !s.elsewhere() {
				r.Unreadable(broken)
			}
			leave(broken)
			return nil
		}
		files[id] = f
		r.Same("sealed index", f.SealID, s.Former.SealID, "%s: seal_id, by the ledger's closing", f.file)
	}
	saltOf := func(a *sealedApp) salt {
		if s.FormerRules.guid != nil {
			return s.FormerRules.guid.salt(a.app, s.FormerRules.month)
		}
		return a.salt
	}
	for _, id := range s.Former.Partitions {
		keep := func(a *sealedApp, x fact) (fact, bool) {
			x.group = ofBefore
			return x, a.section == 0
		}
		err := readSealed(files[id], facts, saltOf, keep, func(a *sealedApp, _ uint64) {
			if a.section == 0 {
				n.addLateTotals(a)
				if n.former != nil {
					totals(lateApp(n.former, a.app).Totals).takeAll(a.totals)
				}
			}
		}, r)
		if err != nil {
			return err
		}
	}
	return nil
}

// FormerDigest is an app's digest of the month before, by its sealed files; empty: they were not read, or not to their end.
func (n *Numbers) FormerDigest(app string) string {
	if n.former == nil {
		return ""
	}
	if a := n.former[app]; a != nil {
		return a.Digest
	}
	none := newApp()
	none.finish(n.Before.String(), app)
	return none.Digest
}
