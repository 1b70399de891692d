package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"headcount/events"
	"headcount/events/stream"
)

// tally is what a reader saw: every record's offset and value are touched, so that none of it can be left out.
type tally struct {
	Records int64 `json:"records"`
	Bytes   int64 `json:"bytes"`
	PeakKB  int64 `json:"peak_kb"`
}

// child reads a topic to its end and prints what it saw.
func child(ctx context.Context, o options) error {
	l, err := stream.Dial(ctx, stream.Config{Brokers: []string{o.Kafka}, Topic: o.topic})
	if err != nil {
		return err
	}
	defer l.Close()
	ends, err := l.Offsets(ctx)
	if err != nil {
		return err
	}
	var t tally
	switch o.child {
	case headcount:
		t, err = readHeadcount(ctx, l, ends)
	case franz:
		t, err = readFranz(ctx, o, ends)
	case kafkago:
		t, err = readKafkaGo(ctx, o, ends)
	default:
		err = fmt.Errorf("no reader %q", o.child)
	}
	if err != nil {
		return err
	}
	t.PeakKB, err = peak()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(t)
}

// peak is the highest resident memory of this process. Its rusage would not do: that begins with the memory of the process
// that started it.
func peak() (kb int64, err error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, after, found := strings.Cut(string(b), "VmHWM:")
	if !found {
		return 0, errors.New("/proc/self/status has no VmHWM")
	}
	_, err = fmt.Sscan(after, &kb)
	return kb, err
}

// readHeadcount reads as ingest does: a goroutine for each partition.
func readHeadcount(ctx context.Context, l *stream.Log, ends map[events.Partition]stream.Offsets) (tally, error) {
	r := l.NewReader(ctx)
	defer r.Close()
	return each(ends, func(partition events.Partition, at stream.Offsets) (t tally, err error) {
		p := r.Open(partition, stream.Position{Offset: at.Start, BatchOffset: -1, LeaderEpoch: -1})
		defer p.Close()
		for next := at.Start; next < at.Stable; {
			b, err := p.Next(ctx)
			if err != nil {
				return t, err
			}
			for i := range b.Records {
				t.Records++
				t.Bytes += int64(len(b.Records[i].Value))
			}
			next = b.Next
			b.Release()
		}
		return t, nil
	})
}

func readFranz(ctx context.Context, o options, ends map[events.Partition]stream.Offsets) (t tally, err error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(o.Kafka), kgo.ConsumeTopics(o.topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		return t, err
	}
	defer client.Close()
	want := total(ends)
	for t.Records < want {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return t, err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			t.Records++
			t.Bytes += int64(len(r.Value))
		})
	}
	return t, nil
}

func readKafkaGo(ctx context.Context, o options, ends map[events.Partition]stream.Offsets) (tally, error) {
	return each(ends, func(partition events.Partition, at stream.Offsets) (t tally, err error) {
		if at.Start >= at.Stable {
			return t, nil
		}
		r := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{o.Kafka}, Topic: o.topic, Partition: int(partition),
			MaxBytes: 1 << 20, IsolationLevel: kafka.ReadCommitted})
		defer func() { err = errors.Join(err, r.Close()) }()
		for {
			m, err := r.ReadMessage(ctx)
			if err != nil {
				return t, err
			}
			t.Records++
			t.Bytes += int64(len(m.Value))
			if events.Offset(m.Offset)+1 >= at.Stable {
				return t, nil
			}
		}
	})
}

// each reads every partition in a goroutine of its own and adds up what they saw.
func each(ends map[events.Partition]stream.Offsets, read func(events.Partition, stream.Offsets) (tally, error)) (tally, error) {
	var records, bytes atomic.Int64
	var group sync.WaitGroup
	errs := make([]error, len(ends))
	i := 0
	for partition, at := range ends {
		slot := &errs[i]
		i++
		group.Go(func() {
			t, err := read(partition, at)
			records.Add(t.Records)
			bytes.Add(t.Bytes)
			*slot = err
		})
	}
	group.Wait()
	return tally{Records: records.Load(), Bytes: bytes.Load()}, errors.Join(errs...)
}

func total(ends map[events.Partition]stream.Offsets) (n int64) {
	for _, at := range ends {
		n += int64(at.Stable - at.Start)
	}
	return n
}
