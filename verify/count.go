package verify

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

type counters struct{ events, skewed uint64 }

type stretch struct{ expired, rejected, overLimit uint64 }

// quantity is what a report is about.
type quantity struct {
	meter, source string
	day           int
}

type standing struct{ revision, value int64 }

// window is an app's numbers in a month in one partition, but for facts.
type window struct {
	counters
	totals  map[quantity]standing
	sources map[string]map[string]bool // by meter
	devices map[print]bool             // nil where nothing limits them
}

// held says whose devices are limited together.
type held struct {
	month month
	late  bool
}

// windows are the windows of a month, by app.
type windows map[string]*window

// attributed is for how many apps expired and rejected records are counted apart.
const attributed = 250_000

// partition counts one partition up to the seal of the month.
type partition struct {
	v    *verification
	id   int32
	d    *decoder
	next int64 // offset

	sealed     month // newest
	late       windows
	open       map[month]windows
	devices    map[held]int // of months that limit them
	stretches  map[string]stretch
	nameless   stretch
	sealOffset int64 // of the month verified; −1: not met
	seal       sealData
	sealHash   string
	invalid    int // seals that were not followed
	firstBad   string

	onTime, before, lateOf windows // as they stood at the seals: of the month, of the month before on time and late
}

func newPartition(v *verification, id int32) *partition {
	return &partition{v: v, id: id, d: newDecoder(v.book), open: map[month]windows{}, devices: map[held]int{}, stretches: map[string]stretch{}, sealOffset: -1}
}

func (p *partition) done() bool { return p.sealOffset >= 0 }

// add counts a record.
func (p *partition) add(rec *kgo.Record) error {
	r, err := p.d.decode(rec, p.sealed)
	if err != nil {
		p.v.report.wrong("rules", fmt.Sprintf("partition %d, offset %d", p.id, rec.Offset), "rules of the month it lies in", err.Error())
		return nil
	}
	switch r.outcome {
	case counted:
		if r.rules.cipher == nil {
			return p.v.noKey(r.rules)
		}
		w := p.window(&r)
		if w == nil || !p.takes(w, &r) {
			p.lost(r.app, stretch{rejected: 1, overLimit: 1})
			return nil
		}
		w.events++
		if r.skewed {
			w.skewed++
		}
		return p.fact(&r, rec.Offset)
	case reported:
		w := p.window(&r)
		if w == nil || !w.report(&r) {
			p.lost(r.app, stretch{rejected: 1, overLimit: 1})
		}
	case control:
		return p.control(rec)
	case expired:
		p.lost(r.app, stretch{expired: 1})
	case rejected:
		p.lost(r.app, stretch{rejected: 1})
	case overLimit:
		p.lost(r.app, stretch{rejected: 1, overLimit: 1})
	}
	return nil
}

// fact keeps what counts for the month or the month before.
func (p *partition) fact(r *reading, offset int64) error {
	x := fact{partition: p.id, app: r.app, who: r.who, kind: uint8(r.kind)}
	switch {
	case r.month == p.v.month:
	case p.v.before != 0 && r.month == p.v.before:
		x.group = ofBefore
		if p.sealed == p.v.before || !p.v.inFormer(p.id) {
			x.late = 1
		}
	default:
		return nil
	}
	if p.v.watch != nil {
		p.v.watch(r, p.id, offset, x.late == 1)
	}
	return p.v.facts.add(x, r.day)
}

// window returns the window of a reading; nil where the month has too many apps, or takes no app's first device.
func (p *partition) window(r *reading) *window {
	in := p.open[r.month]
	if r.month == p.sealed {
		in = p.late
	}
	if in == nil {
		in = windows{}
		if r.month == p.sealed {
			p.late = in
		} else {
			p.open[r.month] = in
		}
	}
	w := in[r.app]
	if w == nil {
		if len(in) >= r.rules.Limits.Apps || r.outcome == counted && p.full(r) {
			return nil
		}
		w = &window{totals: map[quantity]standing{}, sources: map[string]map[string]bool{}}
		in[r.app] = w
	}
	return w
}

// full says whether all devices of the reading's month are as many as its rules allow.
func (p *partition) full(r *reading) bool {
	limit := r.rules.Limits.Devices
	return limit > 0 && p.devices[held{r.month, r.month == p.sealed}] >= limit
}

// takes says whether the window takes the device of a reading: one that it has, or a new one within the limits.
func (p *partition) takes(w *window, r *reading) bool {
	limit := r.rules.Limits.AppDevices
	if limit == 0 && r.rules.Limits.Devices == 0 || w.devices[r.who] {
		return true
	}
	if limit > 0 && len(w.devices) >= limit || p.full(r) {
		return false
	}
	if w.devices == nil {
		w.devices = map[print]bool{}
	}
	w.devices[r.who] = true
	p.devices[held{r.month, r.month == p.sealed}]++
	return true
}

// report takes a quantity; false where the meter has too many sources.
func (w *window) report(r *reading) bool {
	if !w.sources[r.meter][r.source] {
		if len(w.sources[r.meter]) >= r.rules.Limits.Sources && r.rules.Limits.Sources > 0 {
			return false
		}
		if w.sources[r.meter] == nil {
			w.sources[r.meter] = map[string]bool{}
		}
		w.sources[r.meter][r.source] = true
	}
	at, now := quantity{r.meter, r.source, r.day}, standing{r.revision, r.value}
	if was, ok := w.totals[at]; !ok || now.above(was) {
		w.totals[at] = now
	}
	return true
}

func (s standing) above(o standing) bool {
	return s.revision > o.revision || s.revision == o.revision && s.value > o.value
}

// lost counts a record that is not counted, for its app where that is known.
func (p *partition) lost(app string, more stretch) {
	have, ok := p.stretches[app]
	to := &p.nameless
	if app != "" && (ok || len(p.stretches) < attributed) {
		to = &have
	}
	to.expired += more.expired
	to.rejected += more.rejected
	to.overLimit += more.overLimit
	if to == &have {
		p.stretches[app] = have
	}
}

// control takes a record of ours.
func (p *partition) control(rec *kgo.Record) error {
	if c, sig, err := openClosed(rec.Value); err == nil {
		p.v.closed(c, sig, "partition %d, offset %d", p.id, rec.Offset)
		return nil
	}
	s, sig, err := openSeal(rec.Value)
	if err != nil {
		return nil
	}
	m, ok := parseMonth(s.Month)
	rules := p.v.book.months[m]
	bad := func(why string) {
		if p.invalid++; p.firstBad == "" || s.Month == p.v.Month {
			p.firstBad = fmt.Sprintf("the seal of %s at offset %d: %s", s.Month, rec.Offset, why)
		}
	}
	switch {
	case !ok || s.Cluster != p.v.closing.Cluster || s.TopicID != p.v.closing.TopicID || s.Partition != p.id:
		bad("it is of another topic or partition")
	case m < p.sealed:
		bad("a later month is sealed")
	case rules == nil || rules.hash != s.RulesHash:
		bad("it names other rules, " + s.RulesHash)
	case !sig.by(rules.public):
		bad("its signature does not match the key in the month's rules")
	case m == p.sealed: // a repeat
	case p.follows(&s, m):
		p.follow(&s, sig, m, rec.Offset)
	case !p.followsLost(&s, m, rec.Offset):
		bad("it does not follow the month sealed before")
	case m == p.v.month:
		return errLostSeal{p.id, rec.Offset, s.Month, s.Previous.Month}
	default:
		p.follow(&s, sig, m, rec.Offset)
	}
	return nil
}

func (p *partition) follows(s *sealData, m month) bool {
	if s.Previous == nil {
		return p.sealed == 0
	}
	before, ok := parseMonth(s.Previous.Month)
	if !ok || before >= m {
		return false
	}
	listed := false
	for _, id := range s.Previous.Partitions {
		listed = listed || id == p.id
	}
	return p.sealed == before || !listed
}

// follow closes a month.
func (p *partition) follow(s *sealData, sig *signed, m month, offset int64) {
	if m == p.v.month {
		p.sealOffset, p.seal, p.sealHash = offset, *s, sig.hash()
		p.onTime = p.open[m]
		if s.Previous != nil {
			if before, _ := parseMonth(s.Previous.Month); p.sealed == before {
				p.lateOf = p.late
			} else {
				p.lateOf = p.open[before]
			}
		}
		return // what comes after is for the next month's verification
	}
	if m == p.v.before {
		p.before = p.open[m]
	}
	p.sealed, p.late = m, nil
	p.stretches, p.nameless = map[string]stretch{}, stretch{}
	for old := range p.open {
		if old <= m {
			delete(p.open, old)
		}
	}
}
