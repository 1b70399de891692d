// Command kafkago counts a month's devices as one would with the libraries that Headcount itself is built on, used as they come:
// kafka-go's Reader reads, encoding/json decodes, a Go map gives each id of an app its number, a roaring bitmap holds the numbers
// that were seen, a HyperLogLog sketch counts along. In memory only, without checkpoints, days, kinds or checks of what it reads.
//
// Tuned: a Reader for each partition, without a group, with fetches of up to 10 MiB and a queue of 2,000 records; only the four
// members that are needed are decoded; a repeat costs a look-up and no bitmap; the garbage collector runs at GOGC=200.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"runtime/debug"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/axiomhq/hyperloglog"
	"github.com/segmentio/kafka-go"

	"headcount/bench/peers/peer"
)

func main() {
	debug.SetGCPercent(200)
	peer.Main(count)
}

// app is one app of one partition.
type app struct {
	numbers map[string]uint32 // of ids, in order of appearance
	seen    *roaring.Bitmap
	sketch  *hyperloglog.Sketch
}

func count(ctx context.Context, o peer.Options) (map[string]int, error) {
	client := &kafka.Client{Addr: kafka.TCP(o.Brokers...)}
	meta, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{o.Topic}})
	if err != nil {
		return nil, err
	}
	if err := meta.Topics[0].Error; err != nil {
		return nil, err
	}
	var asked []kafka.OffsetRequest
	for _, p := range meta.Topics[0].Partitions {
		asked = append(asked, kafka.LastOffsetOf(p.ID))
	}
	ends, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{o.Topic: asked}})
	if err != nil {
		return nil, err
	}
	// A partition each at a time on a goroutine of its own: the topic is keyed by device, so their counts can be added up.
	type result struct {
		apps map[string]*app
		err  error
	}
	results := make(chan result)
	for _, p := range ends.Topics[o.Topic] {
		go func() {
			apps, err := partition(ctx, o, p.Partition, p.LastOffset)
			results <- result{apps, errors.Join(err, p.Error)}
		}()
	}
	counts := map[string]int{}
	for range ends.Topics[o.Topic] {
		r := <-results
		err = errors.Join(err, r.err)
		for name, a := range r.apps {
			counts[name] += int(a.seen.GetCardinality())
		}
	}
	return counts, err
}

func partition(ctx context.Context, o peer.Options, id int, end int64) (map[string]*app, error) {
	apps := map[string]*app{}
	r := kafka.NewReader(kafka.ReaderConfig{
		Brokers: o.Brokers, Topic: o.Topic, Partition: id, MinBytes: 1, MaxBytes: 10 << 20, QueueCapacity: 2000, MaxWait: 250 * time.Millisecond,
	})
	defer r.Close()
	for next := int64(0); next < end; {
		m, err := r.ReadMessage(ctx)
		if err != nil {
			return nil, err
		}
		next = m.Offset + 1
		var e peer.Event
		if json.Unmarshal(m.Value, &e) != nil || !e.Counts(o.Month) {
			continue
		}
		a := apps[e.Superapp]
		if a == nil {
			a = &app{map[string]uint32{}, roaring.New(), hyperloglog.New14()}
			apps[e.Superapp] = a
		}
		if _, known := a.numbers[e.Subject]; !known {
			n := uint32(len(a.numbers))
			a.numbers[e.Subject] = n
			a.seen.Add(n)
		}
		a.sketch.Insert([]byte(e.Subject))
	}
	return apps, nil
}
