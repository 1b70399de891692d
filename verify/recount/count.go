package recount

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"headcount/verify/report"
)

// Input is what a count needs besides its subject.
type Input struct {
	Sealed Sealed
	Losses Losses
	// Sets returns the sets of kinds that an app's meters count in the month, LateSets in the month before; where LateSets is nil,
	// that month's numbers are not wanted.
	Sets, LateSets func(app string) []uint16
	Closed         TakeClosed // of those that the log has
}

// Numbers are what a count comes to.
type Numbers struct {
	Apps     map[string]*App
	Before   Month           // of which late facts were counted; 0: none
	Late     map[string]*App // that month with what came late of it; nil: not counted
	former   map[string]*App // that month without, for its digests alone; nil: it was not taken from its sealed files
	Nameless Stretch         // records of no app that were not counted
	Unbilled Unbilled        // of them
	Seals    map[int32]int64 // the seals' offsets, where they were met
	salts    map[string]salt // of the month's sketches by app, as the sealed files have them
	FromLog  bool
}

func newNumbers(s *Subject, in *Input) *Numbers {
	n := &Numbers{Apps: map[string]*App{}, Before: s.Before, Seals: map[int32]int64{}, salts: map[string]salt{}}
	if in.LateSets != nil {
		n.Late = map[string]*App{}
	}
	return n
}

// saltOf returns the salt of an app's sketches of the month: by the GUID key, else as the sealed files have it.
func (n *Numbers) saltOf(rules *Rules, app string) salt {
	if rules.guid != nil {
		return rules.guid.salt(app, rules.month)
	}
	return n.salts[app]
}

// Count counts from the log, or from the sealed files where the subject has no log, or no longer has one that can be counted. It
// compares the numbers with the sealed files as it goes.
func Count(ctx context.Context, s *Subject, in Input, r *report.Report) (*Numbers, error) {
	if s.Log == nil {
		return countSealed(ctx, s, &in, r)
	}
	n, err := countLog(ctx, s, &in, r)
	_, gone := errors.AsType[StartError](err)
	_, unsealed := errors.AsType[LostSealError](err)
	if gone && len(in.Losses.Concerning) > 0 || unsealed {
		r.Remark("the month was not counted again: %s", err)
		return countSealed(ctx, s, &in, r)
	}
	return n, err
}

func countLog(ctx context.Context, s *Subject, in *Input, r *report.Report) (*Numbers, error) {
	n := newNumbers(s, in)
	n.FromLog = true
	facts := newFacts(s.Facts, s.Folder)
	defer facts.close()
	begin := s.begin(ctx, in.Losses.All, r)
	if s.elsewhere() || len(begin.at) > 0 {
		n.former = map[string]*App{}
		if err := n.addFormer(ctx, s, facts, r); err != nil {
			return nil, err
		}
	}
	keep := func(x fact, r *reading, _ int64) error { return facts.add(x, r.day) }
	parts, ends, err := readLog(ctx, &pass{s: s, former: n.Before, accepted: in.Losses.All, begin: begin, keep: keep, closed: in.Closed, r: r})
	if err != nil {
		return nil, err
	}
	begin.remark(s, r)
	checkSeals(s, parts, ends, in.Sealed, r)
	return n, unite(s, in, n, facts, stateAtSeals(parts), in.Sealed, r)
}

// readLog counts the closing's partitions up to the month's seals. Of the first, which gets the closed records, it goes on to the
// end: each vouches for the ledger as it stood, the newest for all of it.
func readLog(ctx context.Context, of *pass) (parts map[int32]*partition, ends map[int32]int64, err error) {
	l := startLanes(ctx, of)
	closing := &of.s.Closing
	ends, err = of.s.Log.Read(ctx, closing, of.begin.offsets(), func(rec *kgo.Record) (bool, error) {
		return l.give(rec.Partition, piece{rec: rec}, len(rec.Value))
	}, func(x *Refused) (bool, error) {
		return l.give(x.Partition, piece{x: x}, 0)
	})
	if counted := l.end(); err == nil {
		err = counted
	}
	if gone, ok := errors.AsType[StartError](err); ok {
		gone.Why = of.begin.why[gone.Partition]
		return nil, nil, gone
	}
	if err != nil {
		return nil, nil, err
	}
	for _, id := range closing.Partitions {
		if _, ok := ends[id]; !ok {
			of.r.Wrong("seals", fmt.Sprintf("partition %d", id), "a partition of the topic", "none: the closing names it, the broker does not have it")
			continue
		}
		l.part(id) // also where it has no record
	}
	return l.parts, ends, nil
}

// checkSeals says which partitions have no seal, and compares the seals with the ledger's closing.
func checkSeals(s *Subject, parts map[int32]*partition, ends map[int32]int64, sealed Sealed, r *report.Report) {
	for _, id := range s.Closing.Partitions {
		p := parts[id]
		if p == nil {
			continue
		}
		if !p.done() {
			got := "none"
			if p.firstBad != "" {
				got = "none that is valid; " + p.firstBad
			}
			if f := sealed[id]; f != nil && f.Offset >= ends[id] {
				r.LogCut = true
				got += fmt.Sprintf("; topic %s ends at offset %d there, before the seal at offset %d by which it was counted (%s): it was cut short, or made again, since; restore it from its backup", s.Closing.Topic, ends[id], f.Offset, f.file)
			}
			r.Wrong("seals", fmt.Sprintf("partition %d, offsets %d to %d", id, p.firstOffset(), ends[id]), "the seal of "+s.Closing.Month, got)
			continue
		}
		at := fmt.Sprintf("partition %d, offset %d", id, p.sealOffset)
		r.Same("seals", p.seal.SealID, s.Closing.SealID, "%s: seal_id, by the ledger's closing", at)
		r.Same("seals", p.seal.RulesHash, s.Closing.RulesHash, "%s: rules, by the ledger's closing", at)
		r.Same("seals", fmt.Sprint(p.seal.Partitions), fmt.Sprint(s.Closing.Partitions), "%s: partitions, by the ledger's closing", at)
		if p.invalid > 0 {
			r.Remark("partition %d has %d seals that are not valid and change nothing; %s", id, p.invalid, p.firstBad)
		}
	}
}

// atSeal is what a partition comes to at the month's seal.
type atSeal struct {
	id                     int32
	offset                 int64
	seal                   sealData
	sealHash               string
	begun                  []Month
	onTime, before, lateOf windows // of the month; of the month before, on time and late
	stretches              map[string]Stretch
	nameless               Stretch
	remarks                map[Remark]uint64
}

func stateAtSeals(parts map[int32]*partition) map[int32]*atSeal {
	all := map[int32]*atSeal{}
	for id, p := range parts {
		if p.done() {
			all[id] = &atSeal{id, p.sealOffset, p.seal, p.sealHash, p.begun, p.onTime, p.before, p.lateOf, p.stretches, p.nameless, p.remarks.all}
		}
	}
	return all
}
