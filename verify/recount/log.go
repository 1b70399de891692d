package recount

import (
	"context"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"headcount/verify/chain"
)

// Log is the topic's log.
type Log interface {
	// Read calls take with the records of the closing's partitions, from the offsets on that from has, else from 0, up to the end that each
	// has now, and refuse with what is none, in order within a partition, until they want no more of that partition. It returns where each
	// ends; one that is not there has no end. A partition of which that beginning is gone is a StartError.
	Read(ctx context.Context, closing *chain.Closing, from map[int32]int64, take Take, refuse Refuse) (ends map[int32]int64, err error)
}

// Take takes a record, and says whether it wants more of its partition.
type Take func(rec *kgo.Record) (more bool, err error)

// Refuse takes what is no record, and says the same.
type Refuse func(x *Refused) (more bool, err error)

// StartError says that the log no longer has what is to be read of a partition.
type StartError struct {
	Partition int32
	Offset    int64  // where it begins
	Want      int64  // where it should, or earlier
	Why       string // it is read from there and not from a later seal on; empty: there is none, or all was asked for
}

func (e StartError) Error() string {
	text := fmt.Sprintf("partition %d of the log begins at offset %d: what lay before is gone, so the month cannot be counted again", e.Partition, e.Offset)
	if e.Want > 0 {
		text += fmt.Sprintf(", which takes the log from offset %d on", e.Want)
	}
	if e.Why != "" {
		text += " (" + e.Why + ")"
	}
	return text
}

// OtherTopicError says that the log is not the one that the month was closed by.
type OtherTopicError struct{ What string }

func (e *OtherTopicError) Error() string { return e.What }

// Kafka is a log on Kafka's brokers.
type Kafka struct {
	Brokers  []string
	Security []kgo.Opt // TLS and SASL, where brokers want them
	Begin    Begin
}

// Read implements Log.
func (k *Kafka) Read(ctx context.Context, closing *chain.Closing, from map[int32]int64, take Take, refuse Refuse) (map[int32]int64, error) {
	client, err := kgo.NewClient(append(k.Security, kgo.SeedBrokers(k.Brokers...), kgo.DisableClientMetrics(), kgo.BrokerMaxReadBytes(mostAnswer))...)
	if err != nil {
		return nil, unreachable(err)
	}
	defer client.Close()
	ends, err := readEnds(ctx, kadm.NewClient(client), closing, from)
	if err != nil {
		return nil, err
	}
	total := int64(0)
	for id, end := range ends {
		total += max(end-from[id], 0)
	}
	progress := k.Begin.Begin("read from the log", "records", total)
	defer progress.End()
	f := newFetcher(client, closing.Topic, from, ends)
	return ends, f.read(ctx, take, refuse, progress)
}

// readEnds returns where the closing's partitions end, and refuses one that begins too late.
func readEnds(ctx context.Context, admin *kadm.Client, closing *chain.Closing, from map[int32]int64) (map[int32]int64, error) {
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
		if start.Offset > from[id] {
			return nil, StartError{Partition: id, Offset: start.Offset, Want: from[id]}
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
