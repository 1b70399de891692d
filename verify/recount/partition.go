package recount

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"

	"headcount/verify/report"
)

// attributed is for how many apps expired and rejected records are counted apart.
const attributed = 250_000

// pass is one reading of the log: what is read for, and where what counts goes.
type pass struct {
	s        *Subject
	former   Month   // of which late facts are counted; 0: of none
	accepted []*Loss // on record of the topic's partitions
	begin    beginnings
	beyond   bool // what came late of the month is read too, up to the next seal that counts
	keep     keep
	closed   TakeClosed
	r        *report.Report
}

// keep takes what a record says that counts for the month or the month before.
type keep func(x fact, r *reading, offset int64) error

// TakeClosed takes a closed record that the log has at an offset.
type TakeClosed func(c *Closed, sig *Signed, partition int32, offset int64)

// partition counts one partition up to the seal of the month.
type partition struct {
	*pass
	id   int32
	d    *decoder
	from *beginning // nil: offset 0

	started bool        // something was read
	enough  atomic.Bool // no more is wanted

	sealed     Month // newest
	late       windows
	open       map[Month]windows
	devices    map[held]int // of months that limit them
	stretches  map[string]Stretch
	nameless   Stretch
	remarks    *remarks
	sealOffset int64 // of the month counted; −1: not met
	seal       sealData
	sealHash   string
	begun      []Month // that came after the month and had events before its seal
	over       bool    // what comes next counts for nothing that is wanted
	invalid    int     // seals that were not followed
	firstBad   string

	onTime, before, lateOf windows // as they stood at the seals: of the month, of the month before on time and late
}

func newPartition(of *pass, id int32) *partition {
	return &partition{pass: of, id: id, from: of.begin.at[id], d: newDecoder(of.s.book), open: map[Month]windows{}, devices: map[held]int{}, stretches: map[string]Stretch{}, remarks: newRemarks(), sealOffset: -1}
}

// done says whether the month's seal was met.
func (p *partition) done() bool { return p.sealOffset >= 0 }

// counts says whether what comes next may count for what is wanted.
func (p *partition) counts() bool { return !p.over && (!p.done() || p.beyond) }

// skips says whether an offset lies before the place at which the partition begins: of its batch the beginning is fetched too.
func (p *partition) skips(offset int64) bool { return p.from != nil && offset < p.from.offset }

// wantsMore says whether what comes next is to be looked at.
func (p *partition) wantsMore() bool { return p.counts() || p.id == p.s.Closing.Partitions[0] }

// refuse counts what is no record, of no known app, as a rejected record for each of its offsets.
func (p *partition) refuse(x *Refused) {
	if p.done() || p.skips(x.First) {
		return
	}
	n := uint64(x.Last - x.First + 1)
	if x.OverLimit {
		p.lost("", Stretch{Rejected: n, OverLimit: n})
	} else {
		p.lost("", Stretch{Rejected: n})
	}
}

// take counts a record that lies before the month's seal; of what lies after, only closed records are looked at.
func (p *partition) take(ctx context.Context, rec *kgo.Record) error {
	if p.skips(rec.Offset) {
		return nil
	}
	if p.from != nil && !p.started {
		if p.started = true; p.first(rec) {
			return nil
		}
	}
	if p.counts() {
		return p.add(ctx, rec)
	}
	if !bytes.Contains(rec.Value, []byte("headcount.closed")) { // closed records have one form, byte for byte
		return nil
	}
	if x, err := p.d.decode(rec, 0); err == nil && x.outcome == control {
		p.takeClosed(rec)
	}
	return nil
}

// takeClosed takes a record if it is a closed record.
func (p *partition) takeClosed(rec *kgo.Record) bool {
	c, sig, err := OpenClosed(rec.Value)
	if err == nil {
		p.closed(&c, sig, p.id, rec.Offset)
	}
	return err == nil
}

// add counts a record.
func (p *partition) add(ctx context.Context, rec *kgo.Record) error {
	r, err := p.d.decode(rec, p.sealed)
	if err != nil {
		p.r.Wrong("rules", fmt.Sprintf("partition %d, offset %d", p.id, rec.Offset), "rules of the month it lies in", err.Error())
		return nil
	}
	switch r.outcome {
	case counted:
		if r.rules.guid == nil {
			return fmt.Errorf("GUID key %s, which the rules of %s name, is not in the key file", r.rules.KeyID, r.rules.Month)
		}
		w := p.window(&r)
		if w == nil || !p.takes(w, &r) {
			p.lost(r.app, Stretch{Rejected: 1, OverLimit: 1})
			return nil
		}
		w.Events++
		if r.skewed {
			w.Skewed++
		}
		return p.fact(&r, rec.Offset)
	case reported:
		became := overLimit
		if w := p.window(&r); w != nil {
			became = w.report(&r)
		}
		switch became {
		case rejected:
			p.lost(r.app, Stretch{Rejected: 1})
		case overLimit:
			p.lost(r.app, Stretch{Rejected: 1, OverLimit: 1})
		}
	case control:
		return p.control(ctx, rec)
	case unknown:
		p.remarks.addUnknown(r.app, r.typ)
	case expired:
		p.remarks.add(r.app, ofExpired, r.dated.String(), 1)
		p.lost(r.app, Stretch{Expired: 1})
	case beforeBooks:
		p.remarks.add(r.app, ofBooks, r.dated.String(), 1)
		p.lost(r.app, Stretch{BeforeBooks: 1})
	case rejected:
		p.lost(r.app, Stretch{Rejected: 1})
	case overLimit: // too large: of a known app it is rejected as any other
		lost := Stretch{Rejected: 1}
		if r.app == "" {
			lost.OverLimit = 1
		}
		p.lost(r.app, lost)
	}
	return nil
}

// fact keeps what counts for the month or the month before.
func (p *partition) fact(r *reading, offset int64) error {
	x := fact{partition: p.id, app: r.app, who: r.who, kind: uint8(r.kind)}
	switch {
	case r.month == p.s.Month:
		if p.done() {
			x.late = 1
		}
	case p.done():
		return nil
	case p.former != 0 && r.month == p.former:
		x.group = ofBefore
		if p.sealed == p.former || !p.s.inFormer(p.id) {
			x.late = 1
		} else if len(p.begin.at) > 0 { // taken from the sealed files, of all partitions
			return nil
		}
	default:
		return nil
	}
	return p.keep(x, r, offset)
}

// lost counts a record that is not counted, for its app where that is known.
func (p *partition) lost(app string, more Stretch) {
	have, ok := p.stretches[app]
	if app == "" || !ok && len(p.stretches) >= attributed {
		p.nameless.add(more)
		return
	}
	have.add(more)
	p.stretches[app] = have
}

// control takes a record of ours.
func (p *partition) control(ctx context.Context, rec *kgo.Record) error {
	if p.takeClosed(rec) {
		return nil
	}
	s, sig, err := openSeal(rec.Value)
	if err != nil {
		return nil
	}
	m, ok := ParseMonth(s.Month)
	rules := p.s.book.months[m]
	bad := func(why string) {
		if p.invalid++; p.firstBad == "" || s.Month == p.s.Closing.Month {
			p.firstBad = fmt.Sprintf("the seal of %s at offset %d: %s", Shown(s.Month), rec.Offset, why)
		}
	}
	if p.done() {
		p.finish(&s, sig, m, rules, ok)
		return nil
	}
	switch {
	case !ok || s.Cluster != p.s.Closing.Cluster || s.TopicID != p.s.Closing.TopicID || s.Partition != p.id:
		bad("it is of another topic or partition")
	case m < p.sealed:
		bad("a later month is sealed")
	case rules == nil || rules.hash != s.RulesHash:
		bad(fmt.Sprintf("it names other rules, %.80q", s.RulesHash))
	case !sig.By(rules.public):
		bad("its signature does not match the key in the month's rules")
	case m == p.sealed: // a repeat
	case p.follows(&s, m):
		p.follow(&s, sig, m, rec.Offset)
	case !p.followsLost(ctx, &s, m, rec.Offset):
		bad("it does not follow the month sealed before")
	case m == p.s.Month:
		return LostSealError{p.id, rec.Offset, s.Month, s.Previous.Month}
	default:
		p.follow(&s, sig, m, rec.Offset)
	}
	return nil
}

func (p *partition) follows(s *sealData, m Month) bool {
	if s.Previous == nil {
		return p.sealed == 0
	}
	before, ok := ParseMonth(s.Previous.Month)
	if !ok || before >= m {
		return false
	}
	listed := false
	for _, id := range s.Previous.Partitions {
		listed = listed || id == p.id
	}
	return p.sealed == before || !listed
}

// finish takes a seal behind the month's own: with the next that counts, what comes late of the month is finished.
func (p *partition) finish(s *sealData, sig *Signed, m Month, rules *Rules, ok bool) {
	if ok && m > p.sealed && s.Cluster == p.s.Closing.Cluster && s.TopicID == p.s.Closing.TopicID && s.Partition == p.id &&
		rules != nil && rules.hash == s.RulesHash && sig.By(rules.public) && p.follows(s, m) {
		p.over = true
	}
}

// follow closes a month.
func (p *partition) follow(s *sealData, sig *Signed, m Month, offset int64) {
	if s.Previous == nil {
		p.dropped(m, ofUnopened)
	} else if before, ok := ParseMonth(s.Previous.Month); ok {
		p.dropped(before, ofFinished)
	}
	if m == p.s.Month {
		p.sealOffset, p.seal, p.sealHash = offset, *s, sig.Hash()
		p.onTime = p.open[m]
		if s.Previous != nil {
			if before, _ := ParseMonth(s.Previous.Month); p.sealed == before {
				p.lateOf = p.late
			} else {
				p.lateOf = p.open[before]
			}
		}
		p.begun = p.openAfter(m)
		p.sealed, p.late = m, nil // what comes after is for the next month's verification, or late
		return
	}
	if m == p.former && len(p.begin.at) == 0 {
		p.before = p.open[m]
	}
	p.sealed, p.late = m, nil
	p.stretches, p.nameless, p.remarks = map[string]Stretch{}, Stretch{}, newRemarks()
	for old := range p.open {
		if old <= m {
			delete(p.open, old)
		}
	}
}

// openAfter are the months after m that have had events, sorted.
func (p *partition) openAfter(m Month) []Month {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(p.open)), func(open Month) bool { return open <= m || len(p.open[open]) == 0 })
}
