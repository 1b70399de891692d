package verify

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/internal/canonical"
	"headcount/verify/chain"
	"headcount/verify/recount"
)

// fourMonths closes July to October, each with what came late of the month before.
func fourMonths(t *testing.T) *randomSite {
	t.Helper()
	rnd := rand.New(rand.NewPCG(3, 4))
	s := newRandomSite(t, rnd)
	for m := july; m <= july+3; m++ {
		s.send(t, rnd, m.String(), 120)
		if m > july {
			s.send(t, rnd, (m - 1).String(), 40)
		}
		s.close(t, m)
	}
	return s
}

// sealOf is where a month's seal lies in a partition.
func (s *randomSite) sealOf(t *testing.T, partition int, m events.Month) int {
	t.Helper()
	text, ok := s.bucket.memory[s.index(partition, m)]
	if !ok {
		t.Fatalf("%s is not sealed in partition %d", m, partition)
	}
	var x struct{ Offset int }
	if err := json.Unmarshal([]byte(strings.Split(string(text), "\n")[1]), &x); err != nil {
		t.Fatal(err)
	}
	return x.Offset
}

func (s *randomSite) index(partition int, m events.Month) string {
	return fmt.Sprintf("t/topic-id/%d/sealed/%s.index", partition, m)
}

// cut removes what lies before a month's seals, less some records.
func (s *randomSite) cut(t *testing.T, m events.Month, less int) {
	t.Helper()
	for p := range s.log {
		first := int(s.log[p][0].Offset)
		s.log[p] = s.log[p][s.sealOf(t, p, m)+less-first:]
	}
}

// start is why a month cannot be read from the log.
func (s *randomSite) start(t *testing.T, m events.Month, all bool) error {
	t.Helper()
	l, err := chain.Open(t.Context(), "sqlite://"+s.file)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = Run(t.Context(), Config{Month: m.String(), Ledger: l, Config: recount.Config{Log: s.log, Files: s.bucket.memory, Keys: []byte(s.keys), All: all}})
	return err
}

// TestLogFromTheMonthBeforeTheLast: a month is verified by a log that begins with the seals of the month two before it, and by no less;
// two months of log are enough for a month closed in time.
func TestLogFromTheMonthBeforeTheLast(t *testing.T) {
	s := fourMonths(t)
	s.cut(t, july+1, 0)
	for _, facts := range []int{0, 7} {
		r := s.verify(t, july+3, fromSeals, facts)
		if !r.OK || !strings.Contains(strings.Join(r.Notes, "\n"), "the log was read behind seals, before which no event of 2025-10 lies: partition 0 from offset") {
			t.Errorf("%v\n%s", r.Differences, r.Notes)
		}
	}
	var gone recount.StartError
	if err := s.start(t, july+3, true); !errors.As(err, &gone) || gone.Want != 0 {
		t.Errorf("all of a log that was cut: %v", err)
	}
	if err := s.start(t, july+2, false); !errors.As(err, &gone) || gone.Want != int64(s.sealOf(t, int(gone.Partition), july)) || !strings.Contains(err.Error(), fmt.Sprintf("takes the log from offset %d on", gone.Want)) {
		t.Errorf("the month before: %v", err)
	}
	s.cut(t, july+1, 1)
	if err := s.start(t, july+3, false); !errors.As(err, &gone) || gone.Offset != gone.Want+1 {
		t.Errorf("without the seal: %v", err)
	}
}

// TestMonthThatHadBegun: events of the month that lie before the seal of the month two before it are read too; where they are gone from the
// log, what lacks is named, and why.
func TestMonthThatHadBegun(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	s := newRandomSite(t, rnd)
	for m := july; m <= july+3; m++ {
		s.send(t, rnd, m.String(), 60)
		if m == july+1 {
			s.send(t, rnd, (july + 3).String(), 40) // its clock is ahead
		}
		s.close(t, m)
	}
	if r := s.verify(t, july+3, fromSeals, 0); !r.OK || !strings.Contains(strings.Join(r.Notes, "\n"), "(seal of 2025-07)") {
		t.Errorf("%v\n%s", r.Differences, r.Notes)
	}
	s.cut(t, july+1, 0)
	var gone recount.StartError
	if err := s.start(t, july+3, false); !errors.As(err, &gone) || !strings.Contains(err.Error(), "2025-08.index, 2025-10 had events before it") {
		t.Errorf("%v", err)
	}
}

// TestPlaceToBeginThatIsNone: an index that names another place, an index of another release, and a sealed month before that is not the one
// that was billed.
func TestPlaceToBeginThatIsNone(t *testing.T) {
	s := fourMonths(t)
	name := s.index(0, july+1)
	was := s.bucket.memory[name]
	change := func(old, to string) {
		lines := strings.SplitAfter(string(was), "\n")
		text := lines[0] + strings.Replace(lines[1], old, to, 1)
		s.bucket.memory[name] = []byte(text + canonical.Hash([]byte(text)) + "\n")
	}
	offset := s.sealOf(t, 0, july+1)
	change(fmt.Sprintf(`"offset":%d`, offset), fmt.Sprintf(`"offset":%d`, offset+1))
	r := s.verify(t, july+3, fromSeals, 0)
	var said []string
	for _, d := range r.Differences {
		said = append(said, d.String())
	}
	if r.OK || !strings.Contains(strings.Join(said, "\n"), "the seal of 2025-08, by "+name) || !slices.ContainsFunc(said, func(d string) bool { return strings.Contains(d, "by the ledger's usage of 2025-08") }) {
		t.Errorf("another offset: %q", said)
	}
	change(`"open":["2025-09"]`, `"open":["2025-09","2025-10"]`)
	if r := s.verify(t, july+3, fromSeals, 0); !r.OK || !strings.Contains(strings.Join(r.Notes, "\n"), "partition 0 from offset "+fmt.Sprint(s.sealOf(t, 0, july))+" (seal of 2025-07)") {
		t.Errorf("a month that had begun: %v\n%s", r.Differences, r.Notes)
	}
	s.bucket.memory[name] = was

	other := s.index(0, july+2)
	delete(s.bucket.memory, other)
	if r := s.verify(t, july+3, fromSeals, 0); r.OK || !strings.Contains(r.Differences[0].String(), other) {
		t.Errorf("the month before has no sealed file: %v", r.Differences)
	}
	if r := s.verify(t, july+3, whole, 0); !r.OK {
		t.Errorf("which is not asked for where all is read: %v", r.Differences)
	}
}

// lacking reads what another reader has, but for one device of the first app that has any.
type lacking struct {
	counter.RowReader
	dropped, now bool
}

func (l *lacking) NextApp() (*counter.AppHeader, error) {
	h, err := l.RowReader.NextApp()
	if l.now = false; err != nil || l.dropped || h.Devices == 0 {
		return h, err
	}
	l.dropped, l.now = true, true
	less := *h
	less.Devices--
	return &less, nil
}

func (l *lacking) Rows(buf []counter.Row) (int, error) {
	n, err := l.RowReader.Rows(buf)
	if l.now && n > 0 {
		l.now = false
		n = copy(buf, buf[1:n])
	}
	return n, err
}

// TestMonthBeforeThatLacksADevice: a sealed month, whole in itself, that is not the one that was billed does not pass for what was on time.
func TestMonthBeforeThatLacksADevice(t *testing.T) {
	s := fourMonths(t)
	topic := checkpoint.OpenTopic(s.bucket, "t", "topic-id")
	p := topic.Partition(counter.Identity{Cluster: "cluster", TopicID: "topic-id", Partition: 0})
	was, err := p.OpenSealed(t.Context(), july+2)
	if err != nil {
		t.Fatal(err)
	}
	index, data, err := p.SealedFiles(t.Context(), july+2)
	if err != nil {
		t.Fatal(err)
	}
	x := was.Index
	delete(s.bucket.memory, index)
	delete(s.bucket.memory, data)
	if _, err := p.Seal(t.Context(), &counter.Sealed{
		Month: x.Month, Offset: x.Offset, SealHash: x.SealHash, SealID: x.SealID, RulesHash: x.RulesHash, KeyID: x.KeyID, Precision: x.Precision,
		Unattributed: counter.Stretch(x.Unattributed), Open: x.Open, Late: was.Late, OnTime: func() counter.RowReader { return &lacking{RowReader: was.OnTime()} },
	}); err != nil {
		t.Fatal(err)
	}
	if r := s.verify(t, july+3, fromSeals, 0); r.OK || !named(r, "digests of the month before", "the ledger's usage of 2025-09") {
		t.Errorf("%v", r.Differences)
	}
}
