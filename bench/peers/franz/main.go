// Command franz counts a month's devices in the way that one would write down first: franz-go reads, encoding/json decodes, a Go
// map of ids per app holds what each device did. It is what bench/way measures Headcount beside: exact, in memory only, without
// checkpoints, time zones, checks of what it reads, or an end.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	brokers := flag.String("brokers", "127.0.0.1:9092", "`HOST:PORT,…`")
	topic := flag.String("topic", "sdk-events", "`TOPIC` to read to its present end")
	month := flag.String("month", "2026-10", "UTC `MONTH` to count")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, strings.Split(*brokers, ","), *topic, *month); err != nil {
		fmt.Fprintln(os.Stderr, "franz:", err)
		os.Exit(1)
	}
}

// Event is what is read of an event.
type Event struct {
	Type, Subject, Superapp string
	Time                    time.Time
}

var kinds = map[string]uint8{
	"miniprogram.open": 0, "minigame.open": 0, "miniprogram.search": 1, "minigame.search": 1,
	"miniprogram.predownload": 2, "minigame.predownload": 2,
}

// Counts are what is printed of an app.
type Counts struct {
	Open        int `json:"open"`
	Search      int `json:"search"`
	Predownload int `json:"predownload"`
	Any         int `json:"any"` // devices that did any of the three
}

func run(ctx context.Context, brokers []string, topic, month string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(topic), kgo.FetchMaxBytes(16<<20), kgo.MaxConcurrentFetches(2))
	if err != nil {
		return err
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	left := int64(0)
	ends.Each(func(o kadm.ListedOffset) { left += o.Offset })
	records := left
	devices := map[string]map[string]uint8{} // app → id → kinds
	for left > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			left--
			var e Event
			if json.Unmarshal(r.Value, &e) != nil || e.Subject == "" || e.Superapp == "" || e.Time.UTC().Format("2006-01") != month {
				return
			}
			kind, ok := kinds[e.Type]
			if !ok {
				return
			}
			app := devices[e.Superapp]
			if app == nil {
				app = map[string]uint8{}
				devices[e.Superapp] = app
			}
			app[e.Subject] |= 1 << kind
		})
	}
	apps := map[string]Counts{}
	for name, ids := range devices {
		c := Counts{Any: len(ids)}
		for _, did := range ids {
			c.Open += int(did & 1)
			c.Search += int(did >> 1 & 1)
			c.Predownload += int(did >> 2 & 1)
		}
		apps[name] = c
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"records": records, "apps": apps})
}
