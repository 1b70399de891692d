package recount

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// patience is how long a broker may say nothing while records are missing.
	patience = 30 * time.Second
	// mostAnswer is the most that a broker may answer, in bytes: a batch comes whole, and is as large as the topic lets it be.
	mostAnswer = 256 << 20

	fetchBytes     = 32 << 20 // asked of a broker at once
	partitionBytes = 4 << 20  // and of each of its partitions
)

// fetcher reads partitions up to their ends. Batches are fetched as they are, and taken apart here: the client would give up on one that
// cannot be, or that unpacks to much, and take in silence what it can of one whose records are fewer than it says.
type fetcher struct {
	client  *kgo.Client
	topic   string
	ends    map[int32]int64
	from    map[int32]int64 // the first offset that is wanted
	next    map[int32]int64 // offset to fetch
	left    []int32         // partitions that are not read to their end
	id      kadm.TopicID
	leaders map[int32]int32 // nil: to be asked for
}

func newFetcher(client *kgo.Client, topic string, from, ends map[int32]int64) *fetcher {
	f := &fetcher{client: client, topic: topic, ends: ends, from: from, next: map[int32]int64{}}
	for id, end := range ends {
		if f.next[id] = from[id]; end > from[id] {
			f.left = append(f.left, id)
		}
	}
	slices.Sort(f.left)
	return f
}

// answer is what a broker has of a partition.
type answer = kmsg.FetchResponseTopicPartition

// read reads all partitions. What comes next is fetched while what came is taken.
func (f *fetcher) read(ctx context.Context, take Take, refuse Refuse, progress Progress) error {
	ctx, cancel := context.WithCancel(ctx)
	type round struct {
		answers []answer
		err     error
	}
	rounds := make(chan round)
	wanted := make(chan int32, len(f.left)) // partitions of which no more is wanted
	var fetching sync.WaitGroup
	defer fetching.Wait()
	defer cancel()
	fetching.Go(func() {
		defer close(rounds)
		for len(f.left) > 0 {
			answers, err := f.round(ctx)
			select {
			case rounds <- round{answers, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
			for len(wanted) > 0 {
				f.drop(<-wanted)
			}
		}
	})
	u, read, over := &unpacker{}, maps.Clone(f.from), map[int32]bool{}
	if read == nil {
		read = map[int32]int64{}
	}
	for r := range rounds {
		if r.err != nil {
			return r.err
		}
		for i := range r.answers {
			a := &r.answers[i]
			if over[a.Partition] {
				continue
			}
			more, err := f.take(a, u, read, take, refuse)
			if err != nil {
				return err
			}
			if !more {
				over[a.Partition] = true
				wanted <- a.Partition
			}
		}
		done := int64(0)
		for id, n := range read {
			done += n - f.from[id]
		}
		progress.Set(done)
	}
	return context.Cause(ctx)
}

// drop forgets a partition that is read.
func (f *fetcher) drop(id int32) {
	f.left = slices.DeleteFunc(f.left, func(p int32) bool { return p == id })
}

// take gives what a broker has of a partition, from where it was read to on, and says whether more is wanted.
func (f *fetcher) take(a *answer, u *unpacker, read map[int32]int64, take Take, refuse Refuse) (more bool, err error) {
	gone := aborted{ahead: a.AbortedTransactions, open: map[int64]bool{}}
	end := f.ends[a.Partition]
	for b := a.RecordBatches; len(b) > 0; {
		x, rest, err := readBatch(b, a.Partition)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return false, fmt.Errorf("partition %d: %w", a.Partition, err)
		}
		b = rest
		skip := gone.skips(x)
		if x.next() <= read[a.Partition] {
			continue
		}
		if x.FirstOffset >= end {
			return false, nil
		}
		if read[a.Partition] = x.next(); skip {
			continue
		}
		if more, err := x.read(u, take, refuse); err != nil || !more {
			return false, err
		}
	}
	return read[a.Partition] < end, nil
}

// round fetches once from every leader, until there is something.
func (f *fetcher) round(ctx context.Context) ([]answer, error) {
	for began := time.Now(); ; {
		var all []answer
		var trouble error
		if f.leaders == nil {
			trouble = f.ask(ctx)
		}
		if trouble == nil {
			all, trouble = f.fetch(ctx)
		}
		useful := false
		for i := range all {
			useful = f.advance(&all[i]) || useful
		}
		if useful {
			return all, nil
		}
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		if trouble != nil {
			f.leaders = nil
			if e := (*kerr.Error)(nil); errors.As(trouble, &e) && !e.Retriable {
				return nil, unreachable(trouble)
			}
		}
		if time.Since(began) > patience {
			return nil, unreachable(errors.Join(fmt.Errorf("the broker has sent nothing for %s, and the log is not read to its end", patience), trouble))
		}
		if trouble != nil {
			time.Sleep(200 * time.Millisecond)
		}
	}
}

// advance moves on to behind what a broker has of a partition; false: that is nothing new.
func (f *fetcher) advance(a *answer) bool {
	was := f.next[a.Partition]
	for b := a.RecordBatches; len(b) >= batchHead; {
		length := batchLength(b)
		if length < batchHead {
			return true // take says what is wrong
		}
		if length > len(b) {
			break
		}
		next := int64(binary.BigEndian.Uint64(b)) + int64(int32(binary.BigEndian.Uint32(b[23:]))) + 1
		f.next[a.Partition] = max(f.next[a.Partition], next)
		b = b[length:]
	}
	if f.next[a.Partition] >= f.ends[a.Partition] {
		f.drop(a.Partition)
	}
	return f.next[a.Partition] > was
}

// ask asks who leads what.
func (f *fetcher) ask(ctx context.Context) error {
	topics, err := kadm.NewClient(f.client).ListTopics(ctx, f.topic)
	if err == nil {
		err = topics[f.topic].Err
	}
	if err != nil {
		return err
	}
	f.id, f.leaders = topics[f.topic].ID, map[int32]int32{}
	for _, p := range topics[f.topic].Partitions {
		f.leaders[p.Partition] = p.Leader
	}
	return nil
}

// fetch asks every leader for its partitions, each of which comes first in turn: only the first gets a batch that is large.
func (f *fetcher) fetch(ctx context.Context) (all []answer, trouble error) {
	asked := map[int32]*kmsg.FetchRequest{}
	f.left = append(f.left[1:], f.left[0])
	for _, id := range f.left {
		q := asked[f.leaders[id]]
		if q == nil {
			q = kmsg.NewPtrFetchRequest()
			q.MaxWaitMillis, q.MinBytes, q.MaxBytes, q.IsolationLevel, q.SessionEpoch = 500, 1, fetchBytes, 1, -1
			t := kmsg.NewFetchRequestTopic()
			t.Topic, t.TopicID = f.topic, f.id
			q.Topics = append(q.Topics, t)
			asked[f.leaders[id]] = q
		}
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.FetchOffset, p.PartitionMaxBytes = id, f.next[id], partitionBytes
		q.Topics[0].Partitions = append(q.Topics[0].Partitions, p)
	}
	var mu sync.Mutex
	var each sync.WaitGroup
	for leader, q := range asked {
		each.Go(func() {
			got, err := f.exchange(ctx, leader, q)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, got...)
			trouble = errors.Join(trouble, err)
		})
	}
	each.Wait()
	return all, trouble
}

func (f *fetcher) exchange(ctx context.Context, leader int32, q *kmsg.FetchRequest) (all []answer, err error) {
	if leader < 0 {
		return nil, kerr.LeaderNotAvailable
	}
	got, err := q.RequestWith(ctx, f.client.Broker(int(leader)))
	if err != nil {
		return nil, err
	}
	if err := kerr.ErrorForCode(got.ErrorCode); err != nil {
		return nil, err
	}
	for _, t := range got.Topics {
		for _, p := range t.Partitions {
			if e := kerr.ErrorForCode(p.ErrorCode); e != nil {
				err = errors.Join(err, fmt.Errorf("partition %d: %w", p.Partition, e))
				continue
			}
			all = append(all, p)
		}
	}
	return all, err
}
