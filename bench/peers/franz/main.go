// Command franz counts a month's devices in the way that one would write down first: franz-go reads, encoding/json decodes, a Go
// map for each app holds the ids. It is exact, and does no more than that: in memory only, without checkpoints, days, kinds, time
// zones or checks of what it reads.
//
// Tuned: fetches of up to 16 MiB, two at a time; only the four members that are needed are decoded, the time as text, of which the
// first seven characters are the month; the garbage collector runs at GOGC=200.
package main

import (
	"context"
	"encoding/json"
	"runtime/debug"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"headcount/bench/peers/peer"
)

func main() {
	debug.SetGCPercent(200)
	peer.Main(count)
}

func count(ctx context.Context, o peer.Options) (map[string]int, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(o.Brokers...), kgo.ConsumeTopics(o.Topic), kgo.FetchMaxBytes(16<<20), kgo.MaxConcurrentFetches(2))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, o.Topic)
	if err != nil {
		return nil, err
	}
	if err := ends.Error(); err != nil {
		return nil, err
	}
	left := int64(0)
	ends.Each(func(o kadm.ListedOffset) { left += o.Offset })
	devices := map[string]map[string]struct{}{} // app → ids
	for left > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			left--
			var e peer.Event
			if json.Unmarshal(r.Value, &e) != nil || !e.Counts(o.Month) {
				return
			}
			app := devices[e.Superapp]
			if app == nil {
				app = map[string]struct{}{}
				devices[e.Superapp] = app
			}
			app[e.Subject] = struct{}{}
		})
	}
	apps := map[string]int{}
	for name, ids := range devices {
		apps[name] = len(ids)
	}
	return apps, nil
}
