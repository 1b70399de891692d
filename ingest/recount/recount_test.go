package recount

import (
	"context"
	"crypto/ed25519"
	"errors"
	"slices"
	"testing"
	"time"

	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/identity"
	"headcount/events/stream"
	"headcount/ingest/worker"
)

const october = events.Month(2026*12 + 9)

var errDown = errors.New("down")

// testLog is a log of two partitions.
type testLog struct {
	starts   map[events.Partition]events.Offset
	owners   map[events.Partition]string
	down     string                             // the call that fails
	verified error                              // what Verify says
	asked    map[events.Partition]events.Offset // offsets that Verify was asked for
}

func (l *testLog) call(what string) error {
	if l.down == what {
		return errDown
	}
	return nil
}

func (l *testLog) Offsets(context.Context) (map[events.Partition]stream.Offsets, error) {
	return map[events.Partition]stream.Offsets{0: {Start: l.starts[0], End: 7}, 1: {Start: l.starts[1], End: 7}}, l.call("Offsets")
}

func (l *testLog) Owners(context.Context) (map[events.Partition]string, error) {
	return l.owners, l.call("Owners")
}

func (l *testLog) Verify(_ context.Context, p events.Partition, at stream.Position) error {
	if l.asked == nil {
		l.asked = map[events.Partition]events.Offset{}
	}
	l.asked[p] = at.Offset
	return errors.Join(l.verified, l.call("Verify"))
}

func newMonth(t *testing.T) (*Month, *testLog, checkpoint.Bucket) {
	t.Helper()
	bucket, err := checkpoint.OpenDirectory(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	keys, log := identity.NewKeyring(identity.NewGUIDKey([16]byte{1})), &testLog{}
	topic := &stream.Topic{Name: "events", ID: "id", Cluster: "cluster", Partitions: []stream.PartitionInfo{{ID: 0}, {ID: 1}}}
	return &Month{
		Month: october, Log: log, Topic: topic, State: checkpoint.OpenTopic(bucket, topic.Name, topic.ID), Group: "readers",
		Policy: worker.Policy{
			Template: &events.Template{TimeZone: "UTC", Precision: 6, Limits: events.DefaultLimits, KeyID: keys.Newest().ID(), SealKey: make(ed25519.PublicKey, ed25519.PublicKeySize)},
			Keys:     keys, TemplateFile: "the config", KeyFile: "the keys",
		},
		Begun: func(context.Context) ([]events.Month, error) { return nil, nil },
	}, log, bucket
}

// counted fixes the month's rules, and leaves a checkpoint of partition 0 at offset 5.
func (m *Month) counted(t *testing.T) {
	t.Helper()
	rules, err := m.State.Rules(t.Context(), m.Policy.Template)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rules.MonthRules(m.Month); err != nil {
		t.Fatal(err)
	}
	id := counter.Identity{Cluster: m.Topic.Cluster, TopicID: m.Topic.ID, Partition: 0}
	part, shard := m.State.Partition(id), counter.NewShard(id, rules, m.Policy.Keys)
	if _, _, err := part.Load(t.Context(), func() *counter.Shard { return shard }); !errors.Is(err, checkpoint.ErrNone) {
		t.Fatal(err)
	}
	if _, err := part.Save(t.Context(), shard.Cut(counter.Position{Next: 5, BatchOffset: 4})); err != nil {
		t.Fatal(err)
	}
}

// revisions lists the files of the month's rules.
func revisions(t *testing.T, bucket checkpoint.Bucket) []string {
	t.Helper()
	names, err := bucket.List(t.Context(), "events/id/rules/"+october.String())
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestBegin(t *testing.T) {
	m, log, bucket := newMonth(t)
	m.counted(t)
	before := revisions(t, bucket)
	types := *m.Policy.Template
	types.Types = map[string]string{"scan": "scan"}
	m.Policy.Template = &types
	rules, err := m.Begin(t.Context())
	if err != nil || rules.All || rules.Rules == "" {
		t.Fatalf("%+v, %v", rules, err)
	}
	if after := revisions(t, bucket); len(before) != 1 || len(after) != 2 {
		t.Errorf("rules before: %v, after: %v", before, after)
	}
	if log.asked[0] != 5 || len(log.asked) != 1 {
		t.Errorf("the log was held against the checkpoints at %v", log.asked)
	}
	if err := worker.CheckRules(t.Context(), checkpoint.OpenTopic(bucket, "events", "id"), m.Policy); err != nil {
		t.Errorf("today's rules are not in force: %v", err)
	}
}

// Where the books open is the topic's: another month counts everything again, and nothing before it has rules.
func TestWhereTheBooksOpen(t *testing.T) {
	m, log, bucket := newMonth(t)
	m.counted(t)
	for i, from := range []events.Month{october - 1, october + 1, 0} { // earlier, later, nowhere
		template := *m.Policy.Template
		template.From = from
		m.Policy.Template = &template
		m.Month = october - 1 // of which nothing was ever counted
		again, err := m.Begin(t.Context())
		if err != nil || !again.All || again.Rules != template.Topic().Hash() {
			t.Fatalf("from %s: %+v, %v", from, again, err)
		}
		if log.asked[0] != 5 {
			t.Errorf("the log was held against the checkpoints at %v", log.asked)
		}
		state := checkpoint.OpenTopic(bucket, "events", "id")
		if err := worker.CheckRules(t.Context(), state, m.Policy); err != nil {
			t.Errorf("today's rules are not in force: %v", err)
		}
		rules, err := state.Rules(t.Context(), m.Policy.Template)
		if err != nil {
			t.Fatal(err)
		}
		if months, err := rules.Months(t.Context()); err != nil || len(months) > 0 && i < 2 {
			t.Errorf("months %v have rules, %v", months, err)
		}
		part := state.Partition(counter.Identity{Cluster: m.Topic.Cluster, TopicID: m.Topic.ID, Partition: 0})
		_, _, err = part.Load(t.Context(), func() *counter.Shard {
			return counter.NewShard(counter.Identity{Cluster: m.Topic.Cluster, TopicID: m.Topic.ID}, rules, m.Policy.Keys)
		})
		if i < 2 && !errors.Is(err, checkpoint.ErrNone) {
			t.Errorf("a checkpoint of the former rules: %v", err)
		}
	}
}

// Once a closing has begun the books are open where they are.
func TestBooksAreOpen(t *testing.T) {
	m, _, bucket := newMonth(t)
	m.counted(t)
	before, err := bucket.List(t.Context(), "events/id/rules/")
	if err != nil {
		t.Fatal(err)
	}
	template := *m.Policy.Template
	template.From, template.MonthsBack = october, 7
	m.Policy.Template, m.Begun = &template, begun(october-2, october-1)
	_, err = m.Begin(t.Context())
	want := "from is none, the configuration says 2026-10; limits.months_back is none, the configuration says 7: the closing of 2026-09 has begun, and where the books open is fixed since: set the configuration back"
	if e, ok := errors.AsType[*BooksOpenError](err); !ok || e.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	// What a recount does not change is refused as ever.
	template.TimeZone, m.Begun = "Asia/Shanghai", begun()
	if _, err = m.Begin(t.Context()); !is[*checkpoint.RulesDifferError](err) {
		t.Errorf("another zone: %v", err)
	}
	if after, err := bucket.List(t.Context(), "events/id/rules/"); err != nil || !slices.Equal(before, after) {
		t.Errorf("rules before %v, after %v, %v", before, after, err)
	}
}

func TestRefused(t *testing.T) {
	cut := &stream.TruncatedError{Topic: "events", Want: 5, Detail: "it is cut"}
	for _, c := range []struct {
		name   string
		change func(m *Month, l *testLog)
		is     func(error) bool
		want   string
	}{
		{"closing begun", func(m *Month, _ *testLog) { m.Begun = begun(october-1, october) },
			is[*ClosingBegunError], "the closing of 2026-10 has begun: a month that is being sealed, or is sealed, is not counted again"},
		{"closing not known", func(m *Month, _ *testLog) {
			m.Begun = func(context.Context) ([]events.Month, error) { return nil, errDown }
		},
			func(err error) bool { return errors.Is(err, errDown) }, "down"},
		{"key gone", func(m *Month, _ *testLog) {
			m.Policy.Keys = identity.NewKeyring(identity.NewGUIDKey([16]byte{2}))
		}, is[*worker.KeyMissingError], ""},
		{"retention", func(_ *Month, l *testLog) { l.starts = map[events.Partition]events.Offset{1: 3} }, is[*ShortLogError],
			"the log no longer reaches back to offset 0 (partition 1 begins at offset 3): 2026-10 cannot be counted again; its present counts stay"},
		{"log cut", func(_ *Month, l *testLog) { l.verified = cut }, is[*CutLogError],
			cut.Error() + "; 2026-10 counted again would not show what was lost, its present counts stay"},
		{"being read", func(_ *Month, l *testLog) { l.owners = map[events.Partition]string{1: "b", 0: "a"} }, is[*BeingReadError],
			"partition 0 is being read by a of group readers, which counts by the former rules"},
		{"another month", func(m *Month, _ *testLog) { m.Month++ }, is[*NothingCountedError], "no event of 2026-11 was ever counted: nothing to count again"},
		{"no offsets", func(_ *Month, l *testLog) { l.down = "Offsets" }, is[*UnreachableError], "offsets: down"},
		{"no owners", func(_ *Month, l *testLog) { l.down = "Owners" }, is[*UnreachableError], "group readers: down"},
		{"no look at the log", func(_ *Month, l *testLog) { l.down = "Verify" }, is[*UnreachableError], "partition 0: down"},
	} {
		m, log, bucket := newMonth(t)
		m.counted(t)
		before := revisions(t, bucket)
		c.change(m, log)
		_, err := m.Begin(t.Context())
		if err == nil || !c.is(err) || c.want != "" && err.Error() != c.want {
			t.Errorf("%s: got %T %v, want %s", c.name, err, err, c.want)
		}
		if after := revisions(t, bucket); !slices.Equal(before, after) {
			t.Errorf("%s: it is refused, and has rules %v", c.name, after)
		}
	}
}

// Without a group nobody is asked who reads.
func TestNoGroup(t *testing.T) {
	m, log, _ := newMonth(t)
	m.counted(t)
	m.Group, log.down = "", "Owners"
	if _, err := m.Begin(t.Context()); err != nil {
		t.Error(err)
	}
}

func begun(months ...events.Month) func(context.Context) ([]events.Month, error) {
	return func(context.Context) ([]events.Month, error) { return months, nil }
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// A member that was killed is waited for as long as its session lasts, and is told of; one that stays is refused.
func TestDeadMember(t *testing.T) {
	m, log, _ := newMonth(t)
	m.counted(t)
	types := *m.Policy.Template
	types.Types = map[string]string{"scan": "scan"}
	m.Policy.Template = &types
	log.owners = map[events.Partition]string{1: "dead"}
	m.Patience = 30 * time.Millisecond
	told := 0
	m.Waits = func(who *BeingReadError) {
		if told++; who.Owner != "dead" {
			t.Errorf("told of %v", who)
		}
	}
	if _, err := m.Begin(t.Context()); !is[*BeingReadError](err) || told != 1 {
		t.Errorf("it stays: %v, told %d times", err, told)
	}
	m.Patience = time.Minute
	m.Waits = func(*BeingReadError) { log.owners = nil }
	if _, err := m.Begin(t.Context()); err != nil {
		t.Errorf("it is gone: %v", err)
	}
}
