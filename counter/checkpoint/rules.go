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
}

func (e *RulesDifferError) Error() string {
	return fmt.Sprintf("%s differs from the configuration: %s: rules are fixed once counting begins; set the configuration back, or use a new topic", e.File, strings.Join(e.Fields, "; "))
}

// Rules are a topic's stored rules: the topic's and, by month, those in force. They are files of canonical JSON, made once; of
// those who make the same one at a time the first wins and all take its content. A recount gives a month a further revision.
//
// Rules is a counter.Rulebook; unlike what that asks for, it may be used by many goroutines.
type Rules struct {
	ctx      context.Context // of MonthRules, which has none of its own
	topic    *Topic
	template *events.Template // nil: nothing is made
	rules    *events.TopicRules
	hash     string

	mu     sync.Mutex
	months map[events.Month]*monthRules
	absent map[events.Month]bool // months of what nobody is known to have signed, which had no rules when they were asked for
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
func rulesName(m events.Month, revision int) string {
	if revision == 1 {
		return m.String() + ".json"
	}
	return m.String() + "." + strconv.Itoa(revision) + ".json"
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
	file := t.rulesFolder() + "topic.json"
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
	rules, hash, err := parsedTopics.parse(doc)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if template != nil {
		if fields := rules.Diff(template.Topic()); len(fields) > 0 {
			return nil, &RulesDifferError{File: file, Fields: fields}
		}
	}
	r := &Rules{ctx: ctx, topic: t, template: template, rules: rules, hash: hash, months: map[events.Month]*monthRules{}, absent: map[events.Month]bool{}}
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
	if r.isAbsent(m) && !ours {
		return nil, nil
	}
	rules, err := r.Known(m)
	if !errors.Is(err, ErrNoRules) {
		return rules, err
	}
	if ours {
		return r.template.Month(m)
	}
	r.setAbsent(m)
	return nil, nil
}

// Foreseen implements events.Rulebook. The store is asked once for each month that has no rules, as for a seal.
func (r *Rules) Foreseen(m events.Month) (*events.MonthRules, error) {
	if !r.isAbsent(m) {
		rules, err := r.Known(m)
		if !errors.Is(err, ErrNoRules) {
			return rules, err
		}
		r.setAbsent(m)
	}
	if r.template == nil {
		return nil, nil
	}
	return r.template.Month(m)
}

// isAbsent says whether a month had no rules when it was asked for, and nothing was found since.
func (r *Rules) isAbsent(m events.Month) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.absent[m] && r.months[m] == nil
}

func (r *Rules) setAbsent(m events.Month) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.absent[m] = true
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
	return slices.Compact(months), nil
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
	file := r.topic.rulesFolder() + rulesName(m, max(revision, 1))
	doc, err := r.topic.rulesFile(ctx, file, func() ([]byte, error) {
		if template == nil {
			return nil, fmt.Errorf("month %s of topic %s: %w", m, r.topic.topic, ErrNoRules)
		}
		made, err := template.Month(m)
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
	if rules.Month != m || rules.TopicHash != r.hash {
		return nil, fmt.Errorf("%s: is of month %s and topic rules %s, want %s and %s: restore the file as it was written", file, rules.Month, rules.TopicHash, m, r.hash)
	}
	found := &monthRules{MonthRules: rules, revision: max(revision, 1), hash: hash}
	r.months[m] = found
	return found, nil
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
	if _, err := t.Rules(ctx, template); err != nil {
		return nil, err
	}
	revision, err := t.revision(ctx, m)
	if err != nil {
		return nil, err
	}
	if revision == 0 {
		return nil, fmt.Errorf("recount of %s: month of topic %s: %w", m, t.topic, ErrNoRules)
	}
	rules, err := template.Month(m)
	if err != nil {
		return nil, err
	}
	if err := createBytes(ctx, t.bucket, t.rulesFolder()+rulesName(m, revision+1), rules.Canonical()); err != nil {
		return nil, fmt.Errorf("recount of %s: %w", m, err)
	}
	return rules, nil
}
