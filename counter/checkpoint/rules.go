package checkpoint

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"headcount/events"
	"headcount/internal/canonical"
)

// ErrNoRules says that a topic or a month has no rules yet: nothing of it was ever counted.
var ErrNoRules = errors.New("no rules yet")

// RulesDifferError says that stored rules, which are fixed, are not those that the configuration asks for.
type RulesDifferError struct {
	File   string
	Fields []string // each with both values

	// Bounds says that they differ in nothing but what a recount changes, as long as no month is closed.
	Bounds bool
}

func (e *RulesDifferError) Error() string {
	text := fmt.Sprintf("%s differs from the configuration: %s: rules are fixed once counting begins; ", e.File, strings.Join(e.Fields, "; "))
	if e.Bounds {
		return text + "set the configuration back, or, as long as no month is closed, count the topic again under the new ones"
	}
	return text + "set the configuration back, or use a new topic"
}

// Rules are a topic's stored rules: the topic's and, by month, those in force. They are files of canonical JSON, made once; of
// those who make the same one at a time the first wins and all take its content. A recount gives a month a further revision, or the
// topic: then every month begins anew, and what names the topic's former rules is not in force.
//
// Rules is a counter.Rulebook; unlike what that asks for, it may be used by many goroutines.
type Rules struct {
	ctx      context.Context // of MonthRules, which has none of its own
	topic    *Topic
	template *events.Template // nil: nothing is made
	rules    *events.TopicRules
	hash     string
	revision int             // of the topic's rules
	former   map[string]bool // hashes of earlier revisions

	mu     sync.Mutex
	months map[events.Month]*monthRules
	absent map[events.Month]bool // months of seals that nobody is known to have signed, which had no rules when they were asked for
}

type monthRules struct {
	*events.MonthRules
	revision int
	hash     string
}

// A file of rules is some kilobytes; this bounds what is read.
const maxRules = 16 << 20

func (t *Topic) rulesFolder() string { return t.folder + "/rules/" }

// rulesName names a revision of a month's rules: <month>.json the first, <month>.2.json the second.
func rulesName(m events.Month, revision int) string { return revisionName(m.String(), revision) }

func revisionName(of string, revision int) string {
	if revision == 1 {
		return of + ".json"
	}
	return of + "." + strconv.Itoa(revision) + ".json"
}

// topicFile is the file of a revision of the topic's rules: topic.json the first, topic.2.json the second.
func (t *Topic) topicFile(revision int) string {
	return t.rulesFolder() + revisionName("topic", revision)
}

// monthOfRules is the reverse of rulesName.
func monthOfRules(file string) (m events.Month, revision int, ok bool) {
	base, ok := strings.CutSuffix(file, ".json")
	month, number, further := strings.Cut(base, ".")
	m, err := events.ParseMonth(month)
	if !ok || err != nil {
		return 0, 0, false
	}
	revision = 1
	if further {
		revision, _ = strconv.Atoi(number)
		ok = revision > 1 && strconv.Itoa(revision) == number
	}
	return m, revision, ok
}

// Rules opens the topic's rules, making them from the template where nobody has. Without a template nothing is made, and what
// is missing is ErrNoRules. Topic rules that differ from the template's are a *RulesDifferError. ctx bounds the life of the
// result.
func (t *Topic) Rules(ctx context.Context, template *events.Template) (*Rules, error) {
	file := t.topicFile(1)
	doc, err := t.rulesFile(ctx, file, func() ([]byte, error) {
		if template == nil {
			return nil, fmt.Errorf("topic %s: %w", t.topic, ErrNoRules)
		}
		if err := template.Validate(); err != nil {
			return nil, err
		}
		return template.Topic().Canonical(), nil
	})
	if err != nil {
		return nil, err
	}
	r := &Rules{ctx: ctx, topic: t, template: template, former: map[string]bool{}, months: map[events.Month]*monthRules{}, absent: map[events.Month]bool{}}
	for revision := 2; ; revision++ {
		if r.rules, r.hash, err = parsedTopics.parse(doc); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		r.revision = revision - 1
		next := t.topicFile(revision)
		doc, err = readAll(ctx, t.bucket, next, maxRules)
		if errors.Is(err, ErrNotFound) {
			break
		}
		if err == nil {
			err = persist(ctx, t.bucket, next)
		}
		if err != nil {
			return nil, fmt.Errorf("rules: %w", err)
		}
		file, r.former[r.hash] = next, true
	}
	delete(r.former, r.hash)
	if template != nil {
		if fields := r.rules.Diff(template.Topic()); len(fields) > 0 {
			return nil, &RulesDifferError{File: file, Fields: fields, Bounds: len(fields) == len(r.rules.DiffBounds(template.Topic()))}
		}
	}
	t.mu.Lock()
	t.rules = r
	t.mu.Unlock()
	return r, nil
}

// rulesFile reads a file of rules, or creates it; where another was faster, the other's content counts. What it returns
// lasts: a checkpoint elsewhere may depend on it.
func (t *Topic) rulesFile(ctx context.Context, file string, content func() ([]byte, error)) ([]byte, error) {
	doc, err := readAll(ctx, t.bucket, file, maxRules)
	if errors.Is(err, ErrNotFound) {
		if doc, err = content(); err != nil {
			return nil, err
		}
		err = createBytes(ctx, t.bucket, file, doc)
		if errors.Is(err, ErrExists) {
			doc, err = readAll(ctx, t.bucket, file, maxRules)
		}
	} else if err == nil {
		err = persist(ctx, t.bucket, file)
	}
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	return doc, nil
}

// TopicRules implements events.Rulebook.
func (r *Rules) TopicRules() *events.TopicRules { return r.rules }

// MonthRules implements events.Rulebook.
func (r *Rules) MonthRules(m events.Month) (*events.MonthRules, error) {
	found, err := r.month(r.ctx, m, r.template)
	if err != nil {
		return nil, err
	}
	return found.MonthRules, nil
}

// Known returns the rules of m where it has some, else ErrNoRules; it never makes them.
func (r *Rules) Known(m events.Month) (*events.MonthRules, error) {
	found, err := r.month(r.ctx, m, nil)
	if err != nil {
		return nil, err
	}
	return found.MonthRules, nil
}

// SealRules implements counter.Rulebook. The store is asked once for each month that has no rules, however many forged seals name it:
// rules that are fixed after that, under another seal key than the template's, are found where an event asks for them.
func (r *Rules) SealRules(m events.Month, signed func(key ed25519.PublicKey) bool) (*events.MonthRules, error) {
	ours := r.template != nil && signed(r.template.SealKey)
	r.mu.Lock()
	absent := r.absent[m] && r.months[m] == nil
	r.mu.Unlock()
	if absent && !ours {
		return nil, nil
	}
	rules, err := r.Known(m)
	if !errors.Is(err, ErrNoRules) {
		return rules, err
	}
	if ours {
		return r.make(m, r.template)
	}
	r.mu.Lock()
	r.absent[m] = true
	r.mu.Unlock()
	return nil, nil
}

// RulesFiles names the files of the topic's rules in the bucket.
func (t *Topic) RulesFiles(ctx context.Context) ([]string, error) {
	return t.bucket.List(ctx, t.rulesFolder())
}

// Months returns the months that have rules, sorted.
func (r *Rules) Months(ctx context.Context) ([]events.Month, error) {
	names, err := r.topic.bucket.List(ctx, r.topic.rulesFolder())
	if err != nil {
		return nil, fmt.Errorf("list the months that have rules: %w", err)
	}
	var months []events.Month
	for _, name := range names {
		if m, _, ok := monthOfRules(strings.TrimPrefix(name, r.topic.rulesFolder())); ok {
			months = append(months, m)
		}
	}
	slices.Sort(months)
	months = slices.Compact(months)
	if len(r.former) == 0 {
		return months, nil
	}
	inForce := months[:0]
	for _, m := range months {
		_, err := r.month(ctx, m, nil)
		if err != nil && !errors.Is(err, ErrNoRules) {
			return nil, err
		}
		if err == nil {
			inForce = append(inForce, m)
		}
	}
	return inForce, nil
}

// make returns the rules that a month gets from a template where it has none.
func (r *Rules) make(m events.Month, template *events.Template) (*events.MonthRules, error) {
	rules, err := template.Month(m)
	if err != nil {
		return nil, err
	}
	rules.TopicHash = r.hash // a newer tz database does not move where the books open
	return rules, nil
}

func (r *Rules) month(ctx context.Context, m events.Month, template *events.Template) (*monthRules, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if found := r.months[m]; found != nil {
		return found, nil
	}
	revision, err := r.topic.revision(ctx, m)
	if err != nil {
		return nil, err
	}
	if revision == 0 {
		revision = 1
	}
	found, err := r.read(ctx, m, revision, template)
	if err == nil && r.former[found.TopicHash] {
		found, err = r.read(ctx, m, revision+1, template)
	}
	if err != nil {
		return nil, err
	}
	if found.Month != m || found.TopicHash != r.hash {
		return nil, fmt.Errorf("%s: is of month %s and topic rules %s, want %s and %s: restore the file as it was written",
			r.topic.rulesFolder()+rulesName(m, found.revision), found.Month, found.TopicHash, m, r.hash)
	}
	r.months[m] = found
	return found, nil
}

// read reads a revision of a month's rules, or makes it from the template; without one, what is missing is ErrNoRules.
func (r *Rules) read(ctx context.Context, m events.Month, revision int, template *events.Template) (*monthRules, error) {
	file := r.topic.rulesFolder() + rulesName(m, revision)
	doc, err := r.topic.rulesFile(ctx, file, func() ([]byte, error) {
		if template == nil {
			return nil, fmt.Errorf("month %s of topic %s: %w", m, r.topic.topic, ErrNoRules)
		}
		made, err := r.make(m, template)
		if err != nil {
			return nil, err
		}
		return made.Canonical(), nil
	})
	if err != nil {
		return nil, err
	}
	rules, hash, err := parsedMonths.parse(doc)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return &monthRules{MonthRules: rules, revision: revision, hash: hash}, nil
}

// parsed are the rules that were read, by their document: all partitions of a process, and all steps of a close, read the same.
type parsed[T any] struct {
	read func(doc []byte) (*T, error)
	mu   sync.Mutex
	all  map[string]parsedRules[T]
}

type parsedRules[T any] struct {
	rules *T
	hash  string // of the document
}

var (
	parsedTopics = &parsed[events.TopicRules]{read: events.ParseTopicRules, all: map[string]parsedRules[events.TopicRules]{}}
	parsedMonths = &parsed[events.MonthRules]{read: events.ParseMonthRules, all: map[string]parsedRules[events.MonthRules]{}}
)

// parse returns the rules of a document, which nobody changes, and its hash.
func (p *parsed[T]) parse(doc []byte) (*T, string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, ok := p.all[string(doc)]
	if !ok {
		rules, err := p.read(doc)
		if err != nil {
			return nil, "", err
		}
		found = parsedRules[T]{rules, canonical.Hash(doc)}
		p.all[string(doc)] = found
	}
	return found.rules, found.hash, nil
}

// revision returns the newest revision of a month's rules, 0 where it has none.
func (t *Topic) revision(ctx context.Context, m events.Month) (int, error) {
	names, err := t.bucket.List(ctx, t.rulesFolder()+m.String()+".")
	if err != nil {
		return 0, fmt.Errorf("look for rules of %s: %w", m, err)
	}
	newest := 0
	for _, name := range names {
		if _, revision, ok := monthOfRules(strings.TrimPrefix(name, t.rulesFolder())); ok {
			newest = max(newest, revision)
		}
	}
	return newest, nil
}

// Recount gives a month a further revision of its rules, from the template, also where nothing differs. Checkpoints made under
// an earlier one no longer verify, so that every partition counts again. No shard may be counting; a month that any partition
// has sealed, or that is older than one, is refused.
func (t *Topic) Recount(ctx context.Context, m events.Month, template *events.Template) (*events.MonthRules, error) {
	sealed, err := t.NewestSealed(ctx)
	if err != nil {
		return nil, err
	}
	if sealed >= m {
		return nil, fmt.Errorf("recount of %s: a partition has sealed %s: what is sealed stays", m, sealed)
	}
	r, err := t.Rules(ctx, template)
	if err != nil {
		return nil, err
	}
	was, err := r.month(ctx, m, nil)
	if err != nil {
		return nil, fmt.Errorf("recount of %s: %w", m, err)
	}
	rules, err := r.make(m, template)
	if err != nil {
		return nil, err
	}
	if err := createBytes(ctx, t.bucket, t.rulesFolder()+rulesName(m, was.revision+1), rules.Canonical()); err != nil {
		return nil, fmt.Errorf("recount of %s: %w", m, err)
	}
	return rules, nil
}

// RecountAll gives the topic a further revision of its rules, from the template: where the books open, and how far back events reach. No
// month has rules then, and no checkpoint verifies, so that every partition counts all of the log again. No shard may be counting. A
// topic of which any partition has sealed a month is refused, and so is what differs in more (*RulesDifferError). The creation of the
// revision's file is the commit.
func (t *Topic) RecountAll(ctx context.Context, template *events.Template) (*events.TopicRules, error) {
	sealed, err := t.NewestSealed(ctx)
	if err != nil {
		return nil, err
	}
	if sealed != 0 {
		return nil, fmt.Errorf("recount of topic %s: a partition has sealed %s: what is sealed stays", t.topic, sealed)
	}
	if err := template.Validate(); err != nil {
		return nil, err
	}
	is, err := t.Rules(ctx, nil)
	if err != nil {
		return nil, err
	}
	want := template.Topic()
	if differ := is.rules.Diff(want); len(differ) != len(is.rules.DiffBounds(want)) {
		return nil, &RulesDifferError{File: t.topicFile(is.revision), Fields: differ}
	}
	if err := createBytes(ctx, t.bucket, t.topicFile(is.revision+1), want.Canonical()); err != nil {
		return nil, fmt.Errorf("recount of topic %s: %w", t.topic, err)
	}
	return want, nil
}
