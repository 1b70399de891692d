package recount

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"headcount/verify/chain"
)

// Log is the topic's log.
type Log interface {
	// Read calls take with the records of the closing's partitions from offset 0 up to the end that each has now, in order within
	// a partition, until take wants no more of that partition. It returns where each ends; one that is not there has no end.
	// A partition that no longer begins at offset 0 is a StartError.
	Read(ctx context.Context, closing *chain.Closing, take Take) (ends map[int32]int64, err error)
}

// Take takes a record, and says whether it wants more of its partition.
type Take func(rec *kgo.Record) (more bool, err error)

// StartError says that the log no longer begins at offset 0.
type StartError struct {
	Partition int32
	Offset    int64
}

func (e StartError) Error() string {
	return fmt.Sprintf("partition %d of the log begins at offset %d: what lay before is gone, so the month cannot be counted again", e.Partition, e.Offset)
}

// OtherTopicError says that the log is not the one that the month was closed by.
type OtherTopicError struct{ What string }

func (e *OtherTopicError) Error() string { return e.What }

// patience is how long a broker may say nothing while records are missing.
const patience = 30 * time.Second

// Kafka is a log on Kafka's brokers.
type Kafka struct {
	Brokers  []string
	Security []kgo.Opt // TLS and SASL, where brokers want them
	Begin    Begin
}

// Read implements Log.
func (k *Kafka) Read(ctx context.Context, closing *chain.Closing, take Take) (map[int32]int64, error) {
	client, err := kgo.NewClient(append(k.Security, kgo.SeedBrokers(k.Brokers...), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.FetchMaxBytes(32<<20), kgo.FetchMaxPartitionBytes(4<<20), kgo.DisableClientMetrics())...)
	if err != nil {
		return nil, unreachable(err)
	}
	defer client.Close()
	ends, err := readEnds(ctx, kadm.NewClient(client), closing)
	if err != nil {
		return nil, err
	}
	from, total := map[int32]kgo.Offset{}, int64(0)
	for id, end := range ends {
		if end > 0 {
			from[id] = kgo.NewOffset().At(0)
			total += end
		}
	}
	if len(from) == 0 {
		return ends, nil
	}
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{closing.Topic: from})
	progress := k.Begin.Begin("read from the log", "records", total)
	defer progress.End()
	return ends, fetch(ctx, client, ends, take, progress)
}

// readEnds returns where the closing's partitions end.
func readEnds(ctx context.Context, admin *kadm.Client, closing *chain.Closing) (map[int32]int64, error) {
	starts, err := admin.ListStartOffsets(ctx, closing.Topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, unreachable(fmt.Errorf("the log's first offsets: %w", err))
	}
	stable, err := admin.ListCommittedOffsets(ctx, closing.Topic)
	if err == nil {
		err = stable.Error()
	}
	if err != nil {
		return nil, unreachable(fmt.Errorf("the log's last offsets: %w", err))
	}
	if err := sameTopic(ctx, admin, closing); err != nil {
		return nil, err
	}
	ends := map[int32]int64{}
	for _, id := range closing.Partitions {
		start, ok := starts.Lookup(closing.Topic, id)
		if !ok {
			continue
		}
		if start.Offset > 0 {
			return nil, StartError{id, start.Offset}
		}
		end, _ := stable.Lookup(closing.Topic, id)
		ends[id] = end.Offset
	}
	return ends, nil
}

// sameTopic refuses a topic that was made again under the name of the one that was sealed. Brokers that give out no ids tell of
// none.
func sameTopic(ctx context.Context, admin *kadm.Client, closing *chain.Closing) error {
	topics, err := admin.ListTopics(ctx, closing.Topic)
	if err != nil {
		return unreachable(fmt.Errorf("describe topic %s: %w", closing.Topic, err))
	}
	id := topics[closing.Topic].ID
	if h := fmt.Sprintf("%x", id[:]); id != (kadm.TopicID{}) && h != strings.ReplaceAll(closing.TopicID, "-", "") {
		return &OtherTopicError{fmt.Sprintf("topic %s is not the one whose seals closed %s: its id is %s-%s-%s-%s-%s, by the ledger's closing %s: it was deleted and made again, and cannot be counted for that month",
			closing.Topic, closing.Month, h[:8], h[8:12], h[12:16], h[16:20], h[20:], closing.TopicID)}
	}
	return nil
}

// fetch reads the client's partitions up to their ends.
func fetch(ctx context.Context, client *kgo.Client, ends map[int32]int64, take Take, progress Progress) error {
	left := map[int32]bool{}
	for id, end := range ends {
		if end > 0 {
			left[id] = true
		}
	}
	read, heard := int64(0), time.Now()
	for len(left) > 0 {
		if time.Since(heard) > patience {
			return unreachable(fmt.Errorf("the broker has sent nothing for %s, and the log is not read to its end", patience))
		}
		fetches, err := poll(ctx, client)
		if err != nil {
			return err
		}
		for it := fetches.RecordIter(); !it.Done(); {
			rec := it.Next()
			heard = time.Now()
			if !left[rec.Partition] || rec.Offset >= ends[rec.Partition] {
				continue
			}
			read++
			more, err := take(rec)
			if err != nil {
				return err
			}
			if !more || rec.Offset+1 >= ends[rec.Partition] {
				delete(left, rec.Partition)
				client.PauseFetchPartitions(map[string][]int32{rec.Topic: {rec.Partition}})
			}
		}
		progress.Set(read)
	}
	return nil
}

// poll waits for records for a second. An error that is not to be waited out ends the reading.
func poll(ctx context.Context, client *kgo.Client) (kgo.Fetches, error) {
	within, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	fetches := client.PollFetches(within)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, e := range fetches.Errors() {
		if !errors.Is(e.Err, context.DeadlineExceeded) && !kerr.IsRetriable(e.Err) {
			return nil, unreachable(fmt.Errorf("partition %d: %w", e.Partition, e.Err))
		}
	}
	return fetches, nil
}
