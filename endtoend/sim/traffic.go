package sim

import (
	"crypto/ed25519"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"
	"time"

	"headcount/events"
	"headcount/events/signed"
)

// traffic is what the producers send.
type traffic struct {
	w       *World
	apps    []string
	devices [][]string // of each app
	users   []string
	bursts  int // in a month
	records int // in a burst, about
	sent    []*made
}

func newTraffic(w *World) *traffic {
	t := &traffic{w: w, bursts: 2 + w.draw(4), records: 4 + w.draw(18)}
	for i := range 2 + w.draw(3) {
		t.apps = append(t.apps, fmt.Sprintf("app-%d", i))
		var devices []string
		for range 3 + w.draw(40) {
			if w.draw(5) == 0 {
				devices = append(devices, "opaque-"+w.name())
			} else {
				devices = append(devices, fmt.Sprintf("%016x%016x", w.rng.Uint64(), w.rng.Uint64()))
			}
		}
		t.devices = append(t.devices, devices)
	}
	for range 3 + w.draw(20) {
		t.users = append(t.users, "user-"+w.name()[:6])
	}
	return t
}

// make makes a record of something between two times, as sent at the later.
func (t *traffic) make(from, until int64) *made {
	w := t.w
	a := w.draw(len(t.apps))
	m := &made{verdict: counted, app: t.apps[a], stamp: until, at: from + int64(w.rng.Uint64()%uint64(max(until-from, 1)))}
	switch w.draw(12) {
	default:
		m.kind = w.draw(3)
	case 0, 1:
		m.kind = login
	case 2:
		m.kind = 4
	}
	if m.kind == login {
		m.who = t.users[w.draw(len(t.users))]
	} else {
		m.who = t.devices[a][w.draw(len(t.devices[a]))]
	}
	switch w.draw(40) {
	case 0:
		m.verdict = unknown
	case 1:
		m.verdict = rejected
		if w.chanceEven() {
			m.app = ""
		}
	case 2:
		m.verdict = tombstone
	case 3:
		m.at = 0
	case 4: // a wrong clock
		m.at = []int64{-14182940000_000, 946684799999, until + 600_001, until + 86400_000*40}[w.draw(4)]
	case 5: // nearly
		m.at = []int64{until + 600_000, until + 599_999}[w.draw(2)]
	case 6, 7: // long on its way
		m.at -= int64(w.draw(70)) * 86400_000
	case 8: // on the edge of a month or day
		m.at = t.edge(until)
	case 9:
		t.quantity(m)
	}
	if w.limited {
		t.press(m)
	}
	if w.bounded {
		t.misclock(m)
	}
	return m
}

// edge is the last instant of a month, or the first of the next.
func (t *traffic) edge(until int64) int64 {
	w := t.w
	at := w.start(w.draw(len(w.months) + 1))
	if w.chanceEven() {
		d := time.UnixMilli(until - int64(w.draw(40))*24*3600_000).In(w.zone)
		at = time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, w.zone).UnixMilli()
	}
	if at > until {
		at = w.start(0)
	}
	return at - int64(w.draw(2))
}

// oddDays makes events on the edges of the days between two times that are not of 24 hours, and of leap days.
func (t *traffic) oddDays(from, until int64) (ms []*made) {
	w := t.w
	for at := from; at < until; at += 12 * 3600_000 {
		d := time.UnixMilli(at).In(w.zone)
		start := time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, w.zone).UnixMilli()
		end := time.Date(d.Year(), d.Month(), d.Day()+1, 0, 0, 0, 0, w.zone).UnixMilli()
		if end-start == 24*3600_000 && (d.Month() != time.February || d.Day() != 29) {
			continue
		}
		w.odd++
		for _, edge := range []int64{start - 1, start, end - 1, end, end - 3600_000} {
			if m := t.make(from, until); edge <= until && m.verdict == counted {
				m.at = edge
				ms = append(ms, m)
			}
		}
	}
	return ms
}

func (t *traffic) quantity(m *made) {
	w := t.w
	m.verdict, m.who = reported, ""
	m.meter, m.source = []string{"calls", "groups"}[w.draw(2)], fmt.Sprintf("source-%d", w.draw(2))
	month := w.monthOf(m.at)
	m.month = month.String()
	if w.chanceEven() {
		m.day = 1 + w.draw(28)
	}
	m.revision, m.value = int64(w.draw(3)), int64(w.draw(1000))
}

// burst sends what happened since the last one.
func (t *traffic) burst(from, until int64) {
	w := t.w
	n := t.records/2 + w.draw(t.records)
	var fresh []*made
	for range n {
		fresh = append(fresh, t.make(from, until))
	}
	if w.draw(2) == 0 && len(fresh) > 2 { // two producers, one late
		k := 1 + w.draw(len(fresh)-1)
		fresh = append(fresh[k:len(fresh):len(fresh)], fresh[:k]...)
		w.event(reorder)
	}
	for len(t.sent) > 0 && w.draw(3) == 0 {
		again := *t.sent[w.draw(len(t.sent))]
		again.stamp = until
		if again.at != 0 || again.verdict != counted {
			fresh = append(fresh, &again)
			w.event(duplicate)
		}
	}
	if w.years {
		fresh = append(fresh, t.oddDays(from, until)...)
	}
	t.send(fresh)
	if w.draw(12) == 0 {
		t.forge()
	}
	t.sent = append(t.sent, fresh...)
	if n := len(t.sent) - 200; n > 0 {
		t.sent = slices.Delete(t.sent, 0, n)
	}
}

// event notes a fault that took effect by itself.
func (w *World) event(k fault) {
	w.fired[k]++
	w.took(k)
}

// send writes records to the partitions that their keys lead to, in batches.
func (t *traffic) send(ms []*made) {
	w := t.w
	byPartition := make([][]*made, len(w.log.partitions))
	for _, m := range ms {
		h := fnv.New32a()
		h.Write([]byte(m.who))
		p := int(h.Sum32()>>4) % len(byPartition)
		if w.draw(30) == 0 && len(byPartition) > 1 {
			p = w.draw(len(byPartition))
			w.event(wrongPartition)
		}
		byPartition[p] = append(byPartition[p], m)
	}
	for p, ms := range byPartition {
		t.into(w.log.partitions[p], ms)
	}
}

// into writes records to a partition.
func (t *traffic) into(p *partition, ms []*made) {
	w := t.w
	for len(ms) > 0 {
		n := min(len(ms), 1+w.draw(12))
		records := make([]events.Record, n)
		for i, m := range ms[:n] {
			records[i] = events.Record{Timestamp: m.stamp, Value: m.bytes(w)}
			if w.draw(6) == 0 && m.verdict != tombstone {
				records[i].Headers, records[i].HeaderCount = contentType, 1
			}
		}
		p.append(records, ms[:n:n])
		ms = ms[n:]
	}
}

// forge writes a seal that no close of ours wrote there: signed with another key, of a month long to come too, or with ours for a closing
// that does not come next, or copied from another partition.
func (t *traffic) forge() {
	w := t.w
	p := w.log.partitions[w.draw(len(w.log.partitions))]
	w.event(forgery)
	if w.draw(3) == 0 {
		if seal := t.anySeal(w.log.partitions[w.draw(len(w.log.partitions))]); seal != nil && len(w.log.partitions) > 1 {
			p.append([]events.Record{{Timestamp: w.now, Value: seal}}, nil)
		}
		return
	}
	month, far := w.monthOf(w.now)-events.Month(w.draw(2)), w.draw(3) == 0
	if far {
		month += events.Month(1 + w.draw(36))
	}
	rules, err := rulesHash(w.template, month)
	if err != nil {
		w.fail("%v", err)
		return
	}
	s := signed.Seal{Cluster: w.topic.Cluster, TopicID: w.topic.ID, Partition: p.id, Month: month, SealID: "forged", RulesHash: rules, Partitions: []events.Partition{p.id}}
	key := strangeKey
	switch {
	case far:
		if w.draw(4) > 0 { // it comes next, whatever is sealed
			s.Previous = &signed.PreviousClosing{Month: month - 1, Partitions: []events.Partition{}}
		}
	case w.chanceEven():
		key = sealKey
		s.Previous = &signed.PreviousClosing{Month: month - 20, Partitions: []events.Partition{p.id}}
	}
	p.append([]events.Record{{Timestamp: w.now, Value: s.Sign(key)}}, nil)
}

// rulesHash is the hash of a month's rules, which are the same in every run of a zone with the same limits.
func rulesHash(t *events.Template, m events.Month) (string, error) {
	at := rulesOf{t.TimeZone, m, t.Limits, t.From, t.MonthsBack}
	if have, ok := rulesHashes.Load(at); ok {
		return have.(string), nil
	}
	rules, err := t.Month(m)
	if err != nil {
		return "", err
	}
	hash := rules.Hash()
	rulesHashes.Store(at, hash)
	return hash, nil
}

type rulesOf struct {
	zone   string
	month  events.Month
	limits events.Limits
	from   events.Month
	back   int
}

var rulesHashes sync.Map

// anySeal returns a record that the product wrote.
func (t *traffic) anySeal(p *partition) []byte {
	for _, b := range p.batches {
		if b.made == nil {
			return b.records[0].Value
		}
	}
	return nil
}

var strangeKey = ed25519.NewKeyFromSeed([]byte("another seed of thirty-two bytes"))

var contentType = events.EncodeHeader(nil, "content-type", []byte("application/cloudevents+json; charset=UTF-8"))
