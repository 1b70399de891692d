package checkpoint

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"headcount/counter"
	"headcount/events"
)

// Topic is the state of one topic, named by its name and the id it got when it was made. It may be used by many goroutines.
type Topic struct {
	bucket Bucket
	topic  string
	id     string
	folder string // <topic>/<topic id>

	mu    sync.Mutex
	rules *Rules // the last that Rules opened
}

// OpenTopic returns a topic's state; whether there is any shows when it is used.
func OpenTopic(b Bucket, topic, topicID string) *Topic {
	return &Topic{bucket: b, topic: topic, id: topicID, folder: escape(topic) + "/" + escape(topicID)}
}

// Sibling is state of the same topic's name under another id: the topic was deleted and made again.
type Sibling struct {
	TopicID  string
	Unsealed []events.Month // that have rules and, in some partition, are neither sealed nor older than a sealed month; sorted
}

// Siblings returns the topic's siblings, sorted by id.
func (t *Topic) Siblings(ctx context.Context) ([]Sibling, error) {
	found, err := topicsCalled(ctx, t.bucket, t.topic)
	if err != nil {
		return nil, err
	}
	var siblings []Sibling
	for _, id := range slices.Sorted(maps.Keys(found)) {
		if id != t.id {
			siblings = append(siblings, Sibling{TopicID: id, Unsealed: found[id].unsealed()})
		}
	}
	return siblings, nil
}

// Begun returns the months that have rules in topics of a name, whatever their ids, in order: events of these were counted. It needs no
// broker to tell the topic's id.
func Begun(ctx context.Context, b Bucket, topic string) ([]events.Month, error) {
	found, err := topicsCalled(ctx, b, topic)
	if err != nil {
		return nil, err
	}
	var months []events.Month
	for _, c := range found {
		months = append(months, c.rules...)
	}
	slices.Sort(months)
	return slices.Compact(months), nil
}

// topicsCalled returns what the bucket has of topics of a name, by their ids.
func topicsCalled(ctx context.Context, b Bucket, topic string) (map[string]*contents, error) {
	all := escape(topic) + "/"
	var names []string
	folders, ok, err := listFolders(ctx, b, all)
	if !ok {
		names, err = b.List(ctx, all)
	}
	for _, f := range folders {
		if err == nil {
			var more []string
			more, err = tell(ctx, b, f)
			names = append(names, more...)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("look for topics called %s: %w", topic, err)
	}
	found := map[string]*contents{}
	for _, name := range names {
		_, rest, _ := strings.Cut(name, "/")
		element, rest, ok := strings.Cut(rest, "/")
		if id, err := unescape(element); err == nil && ok {
			if found[id] == nil {
				found[id] = &contents{sealed: map[events.Partition]events.Month{}}
			}
			found[id].add(rest)
		}
	}
	return found, nil
}

// contents is what the file names of a topic tell.
type contents struct {
	rules  []events.Month
	sealed map[events.Partition]events.Month // by partition that has state: its newest sealed month; 0: none
}

// add takes a name within the topic's folder.
func (c *contents) add(name string) {
	if file, ok := strings.CutPrefix(name, "rules/"); ok {
		if m, _, ok := monthOfRules(file); ok && !slices.Contains(c.rules, m) {
			c.rules = append(c.rules, m)
		}
		return
	}
	element, rest, _ := strings.Cut(name, "/")
	p, err := events.ParsePartition(element)
	if err != nil {
		return
	}
	m := c.sealed[p]
	if file, ok := strings.CutPrefix(rest, "sealed/"); ok {
		if sealed, ok := monthOfIndex(file); ok {
			m = max(m, sealed)
		}
	}
	c.sealed[p] = m
}

func (c *contents) unsealed() []events.Month {
	slices.Sort(c.rules)
	if len(c.sealed) == 0 {
		return c.rules
	}
	oldest := slices.Min(slices.Collect(maps.Values(c.sealed)))
	return slices.DeleteFunc(c.rules, func(m events.Month) bool { return m <= oldest })
}

// Partitions returns the partitions that have state, sorted.
func (t *Topic) Partitions(ctx context.Context) ([]events.Partition, error) {
	c, err := t.contents(ctx)
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(c.sealed)), nil
}

// NewestSealed returns the newest month that any partition has sealed; 0: none. A list may be out of date: what follows its last
// month is asked for by name, since a partition's months are sealed one after the other.
func (t *Topic) NewestSealed(ctx context.Context) (events.Month, error) {
	c, err := t.contents(ctx)
	if err != nil {
		return 0, err
	}
	newest := slices.Max(append(slices.Collect(maps.Values(c.sealed)), 0))
	if newest == 0 {
		return 0, nil
	}
	for _, p := range slices.Sorted(maps.Keys(c.sealed)) {
		if newest, err = t.Partition(counter.Identity{Partition: p}).sealedAfter(ctx, newest); err != nil {
			return 0, err
		}
	}
	return newest, nil
}

// tell lists the files of a topic's folder, or those that contents asks for where the bucket tells folders apart: checkpoints are many.
func tell(ctx context.Context, b Bucket, topic string) ([]string, error) {
	folders, ok, err := listFolders(ctx, b, topic)
	if !ok {
		return b.List(ctx, topic)
	}
	if err != nil {
		return nil, err
	}
	names := make([][]string, len(folders))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(listsAtATime)
	for i, f := range folders {
		group.Go(func() (err error) {
			within := f
			if f != topic+"rules/" {
				within += "sealed/"
			}
			names[i], err = b.List(ctx, within)
			names[i] = append(names[i], f) // that it is there
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(names...), nil
}

const listsAtATime = 64

func (t *Topic) contents(ctx context.Context) (*contents, error) {
	names, err := tell(ctx, t.bucket, t.folder+"/")
	if err != nil {
		return nil, fmt.Errorf("list the state of topic %s: %w", t.topic, err)
	}
	c := &contents{sealed: map[events.Partition]events.Month{}}
	for _, name := range names {
		c.add(strings.TrimPrefix(name, t.folder+"/"))
	}
	return c, nil
}

// Partition returns the state of one partition, for one goroutine to load and save. id's topic id is the topic's.
func (t *Topic) Partition(id counter.Identity) *Partition {
	folder := t.folder + "/" + id.Partition.String()
	return &Partition{topic: t, bucket: t.bucket, id: id, folder: folder + "/checkpoint/", sealed: folder + "/sealed/"}
}

// book returns the rules that were opened, or opens them for reading.
func (t *Topic) book(ctx context.Context) (*Rules, error) {
	t.mu.Lock()
	r := t.rules
	t.mu.Unlock()
	if r != nil {
		return r, nil
	}
	return t.Rules(ctx, nil)
}
