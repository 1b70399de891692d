package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/endtoend/month"
	"headcount/events"
	"headcount/events/identity"
	"headcount/events/signed"
	"headcount/events/stream/batch"
)

var (
	guidKey = identity.NewGUIDKey([16]byte{1, 2, 3})
	sealKey = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	whose   = counter.Identity{Cluster: "cluster", TopicID: "topic", Partition: 0}
	march   = events.MonthOf(2025, 3)
)

// store is a partition's state in the folder.
type store struct {
	*checkpoint.Partition
	rules *checkpoint.Rules
}

func open(ctx context.Context, folder string, partition events.Partition) (store, error) {
	bucket, err := checkpoint.OpenDirectory(folder)
	if err != nil {
		return store{}, err
	}
	topic := checkpoint.OpenTopic(bucket, "scale", whose.TopicID)
	rules, err := topic.Rules(ctx, &events.Template{
		TimeZone: "UTC", Precision: 14, Limits: events.DefaultLimits, KeyID: guidKey.ID(), SealKey: sealKey.Public().(ed25519.PublicKey),
	})
	id := whose
	id.Partition = partition
	return store{topic.Partition(id), rules}, err
}

func (s store) shard() *counter.Shard {
	return counter.NewShard(whose, s.rules, identity.NewKeyring(guidKey))
}

// recordsAtOnce is as many as a batch of the log may hold.
const recordsAtOnce = 1024

// feed makes up record batches in memory, compressed by lz4, and reads them as those of a fetch are read.
type feed struct {
	*month.Generator
	messages []batch.Message
	pointers []*batch.Message
	buffer   []byte
	writer   batch.Writer
	reader   *batch.Reader
	offset   events.Offset
	took     time.Duration // of CPU, to make them up
}

func newFeed(c month.Config) (*feed, error) {
	g, err := month.New(c)
	return &feed{
		Generator: g, messages: make([]batch.Message, recordsAtOnce), pointers: make([]*batch.Message, 0, recordsAtOnce),
		buffer: make([]byte, 0, recordsAtOnce*400), reader: batch.NewReader(1 << 20),
	}, err
}

// next returns the records of the next batch; none: there is none.
func (f *feed) next() ([]events.Record, error) {
	b, err := f.batch()
	if len(b) == 0 || err != nil {
		return nil, err
	}
	records, _, err := f.reader.Read(b)
	return records, err
}

func (f *feed) batch() ([]byte, error) {
	began := cpu(ofThread)
	defer func() { f.took += cpu(ofThread) - began }()
	f.pointers, f.buffer = f.pointers[:0], f.buffer[:0]
	for rec := (month.Record{}); len(f.pointers) < recordsAtOnce && f.Next(&rec); {
		at := len(f.buffer)
		f.buffer = append(f.buffer, rec.Value...)
		m := &f.messages[len(f.pointers)]
		m.Value, m.Time = f.buffer[at:len(f.buffer):len(f.buffer)], time.UnixMilli(rec.Timestamp)
		f.pointers = append(f.pointers, m)
	}
	if len(f.pointers) == 0 {
		return nil, nil
	}
	base := f.offset
	f.offset += events.Offset(len(f.pointers))
	return f.writer.Write(f.pointers, base, "lz4")
}

// counting is a shard that counts a feed, with checkpoints in the background as a worker makes them.
type counting struct {
	shard  *counter.Shard
	store  store
	feed   *feed
	saving chan error
	sealed *counter.Sealed

	pause, cut longest
	work       longest // of Count, in CPU of its thread: what a busy machine adds is left out
	saves      int
	bytes      int64
	saved      time.Duration // of CPU: of the thread that saves
}

func (c *counting) count(recs []events.Record) error {
	began, thread := time.Now(), cpu(ofThread)
	n, sealed, err := c.shard.Count(recs)
	c.pause.since(began)
	c.work = max(c.work, longest(cpu(ofThread)-thread))
	if err == nil && n < len(recs) {
		err = fmt.Errorf("%d of %d records were counted", n, len(recs))
	}
	if sealed != nil {
		c.sealed = sealed
	}
	return err
}

// all counts the feed to its end.
func (c *counting) all(ctx context.Context, every int) error {
	counted := 0
	for {
		recs, err := c.feed.next()
		if len(recs) == 0 || err != nil {
			return err
		}
		if err := c.count(recs); err != nil {
			return err
		}
		if counted += len(recs); counted >= every {
			counted = 0
			if err := c.checkpoint(ctx); err != nil {
				return err
			}
		}
	}
}

func (c *counting) checkpoint(ctx context.Context) error {
	if err := c.wait(); err != nil {
		return err
	}
	began := time.Now()
	delta := c.shard.Cut(counter.Position{Next: c.feed.offset, BatchOffset: -1, LeaderEpoch: -1})
	c.cut.since(began)
	done := make(chan error, 1)
	c.saving = done
	go func() {
		runtime.LockOSThread() // ends with the goroutine
		began := cpu(ofThread)
		saved, err := c.store.Save(ctx, delta)
		if err == nil {
			c.saves++
			c.bytes += saved.Bytes
			err = saved.Postponed
		}
		c.saved += cpu(ofThread) - began
		done <- err
	}()
	return nil
}

func (c *counting) wait() error {
	if c.saving == nil {
		return nil
	}
	err := <-c.saving
	c.saving = nil
	return err
}

func count(ctx context.Context, o options, devices int) (r result, err error) {
	runtime.LockOSThread()
	c := &counting{}
	if c.store, err = open(ctx, o.state, 0); err != nil {
		return nil, err
	}
	if _, _, err := c.store.Load(ctx, c.store.shard); !errors.Is(err, checkpoint.ErrNone) {
		return nil, err
	}
	c.shard = c.store.shard()
	cfg := month.Config{Month: march.String(), Events: int(o.per * float64(devices)), Devices: devices, Apps: o.apps, Seed: 1}
	if c.feed, err = newFeed(cfg); err != nil {
		return nil, err
	}
	process, thread := cpu(ofProcess), cpu(ofThread)
	if err := c.all(ctx, o.every); err != nil {
		return nil, err
	}
	if err := c.wait(); err != nil {
		return nil, err
	}
	process, thread = cpu(ofProcess)-process-c.feed.took, cpu(ofThread)-thread-c.feed.took
	n, seen := float64(cfg.Events), rows(c.shard)
	r.add("devices counted", seen)
	r.add("events", n)
	r.add("CPU per event, ns", float64(process)/n)
	r.add("  of it of the thread that counts", float64(thread)/n)
	r.add("  of it of checkpoints", float64(c.saved)/n)
	r.add("longest Count of 1,024 events, ms", c.pause.ms())
	r.add("  longest by CPU of its thread, ms", c.work.ms())
	r.add("longest Cut while counting, ms", c.cut.ms())
	r.memory()
	r.add("resident memory, B a device", kilobytes("status", "VmRSS")*1024/seen)
	r.add("written by checkpoints, B a device", float64(c.bytes)/seen)
	if err := c.little(ctx, &r, cfg); err != nil {
		return nil, err
	}
	return r, c.seal(ctx, &r, seen)
}

// little measures a checkpoint of few events, all of devices that are known.
func (c *counting) little(ctx context.Context, r *result, cfg month.Config) error {
	again, err := newFeed(cfg)
	if err != nil {
		return err
	}
	if err := c.checkpoint(ctx); err != nil {
		return err
	}
	if err := c.wait(); err != nil {
		return err
	}
	for range 20 {
		recs, err := again.next()
		if err != nil {
			return err
		}
		for i := range recs {
			recs[i].Offset = c.feed.offset
			c.feed.offset++
		}
		if err := c.count(recs); err != nil {
			return err
		}
	}
	c.cut = 0
	before := c.bytes
	if err := errors.Join(c.checkpoint(ctx), c.wait()); err != nil {
		return err
	}
	r.add("Cut after 20,480 repeats, ms", c.cut.ms())
	r.add("checkpoint of 20,480 repeats, B", float64(c.bytes-before))
	return nil
}

// seal seals the month, and counts the next one while the sealed facts are sorted and written.
func (c *counting) seal(ctx context.Context, r *result, seen float64) (err error) {
	rules, err := c.store.rules.MonthRules(march)
	if err != nil {
		return err
	}
	s := signed.Seal{
		Version: signed.SealVersion, Cluster: whose.Cluster, TopicID: whose.TopicID, Month: march, SealID: "seal",
		RulesHash: rules.Hash(), Partitions: []events.Partition{0},
	}
	if c.feed, err = newFeed(month.Config{Month: (march + 1).String(), Events: 1 << 30, Devices: 1_000_000, Apps: 20, Seed: 2}); err != nil {
		return err
	}
	c.pause, c.work = 0, 0
	began := time.Now()
	if err := c.count([]events.Record{{Timestamp: time.Now().UnixMilli(), Value: s.Sign(sealKey)}}); err != nil {
		return err
	}
	if c.sealed == nil {
		return errors.New("the seal was not followed")
	}
	done := make(chan error, 1)
	go func() {
		_, err := c.store.Seal(ctx, c.sealed)
		done <- err
	}()
	for meanwhile := 0; ; meanwhile += recordsAtOnce {
		select {
		case err := <-done:
			r.add("seal: longest Count meanwhile, ms", c.pause.ms())
			r.add("  longest by CPU of its thread, ms", c.work.ms())
			r.add("seal: sorted and written in, s", time.Since(began).Seconds())
			r.add("seal: events counted meanwhile", float64(meanwhile))
			r.add("seal: highest resident memory, MB", kilobytes("status", "VmHWM")/1000)
			return err
		default:
			recs, err := c.feed.next()
			if err == nil {
				err = c.count(recs)
			}
			if err != nil {
				return err
			}
		}
	}
}

// rows is how many devices the open month has.
func rows(s *counter.Shard) (n float64) {
	r := s.Snapshot(march).OnTime()
	for {
		h, err := r.NextApp()
		if err != nil {
			return n
		}
		n += float64(h.Devices)
	}
}

// restore measures a restart from what count left.
func restore(ctx context.Context, o options, _ int) (r result, err error) {
	s, err := open(ctx, o.state, 0)
	if err != nil {
		return nil, err
	}
	process, began := cpu(ofProcess), time.Now()
	shard, loaded, err := s.Load(ctx, s.shard)
	if err != nil {
		return nil, err
	}
	took := time.Since(began)
	if !slices.Contains(shard.Months(), march) {
		return nil, errors.New("the month is not there")
	}
	seen := rows(shard)
	r.add("restart, s", took.Seconds())
	r.add("restart: CPU, s", (cpu(ofProcess) - process).Seconds())
	r.add("restart: devices", seen)
	r.add("restart: generation", float64(loaded.Generation))
	r.memory()
	runtime.KeepAlive(shard)
	return r, nil
}
