package verify

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// errStart says that the log no longer begins at offset 0.
type errStart struct {
	partition int32
	offset    int64
}

func (e errStart) Error() string {
	return fmt.Sprintf("partition %d of the log begins at offset %d: what lay before is gone, so the month cannot be counted again; --from-sealed checks what can be checked without the log", e.partition, e.offset)
}

// patience is how long a broker may say nothing while records are missing.
const patience = 30 * time.Second

// readLog counts the closing's partitions up to the month's seals. Of the first, which gets the closed records, it goes on to
// the end: each vouches for the ledger as it stood, the newest for all of it.
func (v *verification) readLog() error {
	client, err := kgo.NewClient(append(v.Security, kgo.SeedBrokers(v.Brokers...), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.FetchMaxBytes(32<<20), kgo.FetchMaxPartitionBytes(4<<20), kgo.DisableClientMetrics())...)
	if err != nil {
		return unreachable(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	topic := v.closing.Topic
	starts, err := admin.ListStartOffsets(v.ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return unreachable(fmt.Errorf("the log's first offsets: %w", err))
	}
	ends, err := admin.ListCommittedOffsets(v.ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return unreachable(fmt.Errorf("the log's last offsets: %w", err))
	}
	if err := v.sameTopic(admin); err != nil {
		return err
	}
	from := map[int32]kgo.Offset{}
	total := int64(0)
	for _, id := range v.closing.Partitions {
		start, ok := starts.Lookup(topic, id)
		if !ok {
			v.report.wrong("seals", fmt.Sprintf("partition %d", id), "a partition of the topic", "none: the closing names it, the broker does not have it")
			continue
		}
		if start.Offset > 0 {
			return errStart{id, start.Offset}
		}
		end, _ := ends.Lookup(topic, id)
		v.parts[id] = newPartition(v, id)
		if end.Offset > 0 {
			from[id] = kgo.NewOffset().At(0)
			v.ends[id] = end.Offset
			total += end.Offset
		}
	}
	if len(from) == 0 {
		return nil
	}
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: from})
	progress := v.begin("read from the log", "records", total)
	defer progress.End()
	read, heard := int64(0), time.Now()
	for len(from) > 0 {
		if time.Since(heard) > patience {
			return unreachable(fmt.Errorf("the broker has sent nothing for %s, and the log is not read to its end", patience))
		}
		fetches := client.PollFetches(withTimeout(v.ctx, time.Second))
		if err := v.ctx.Err(); err != nil {
			return err
		}
		for _, e := range fetches.Errors() {
			if !errors.Is(e.Err, errTimeout) && !retriable(e.Err) {
				return unreachable(fmt.Errorf("partition %d: %w", e.Partition, e.Err))
			}
		}
		for it := fetches.RecordIter(); !it.Done(); {
			rec := it.Next()
			heard = time.Now()
			p := v.parts[rec.Partition]
			if _, ok := from[rec.Partition]; !ok || rec.Offset >= v.ends[rec.Partition] {
				continue
			}
			read++
			if err := p.take(rec); err != nil {
				return err
			}
			p.next = rec.Offset + 1
			if p.next >= v.ends[p.id] || p.done() && p.id != v.closing.Partitions[0] {
				delete(from, p.id)
				client.PauseFetchPartitions(map[string][]int32{topic: {p.id}})
			}
		}
		progress.Set(read)
	}
	return nil
}

// sameTopic refuses a topic that was made again under the name of the one that was sealed. Brokers that give out no ids tell of
// none.
func (v *verification) sameTopic(admin *kadm.Client) error {
	topics, err := admin.ListTopics(v.ctx, v.closing.Topic)
	if err != nil {
		return unreachable(fmt.Errorf("describe topic %s: %w", v.closing.Topic, err))
	}
	id := topics[v.closing.Topic].ID
	if h := fmt.Sprintf("%x", id[:]); id != (kadm.TopicID{}) && h != strings.ReplaceAll(v.closing.TopicID, "-", "") {
		return fmt.Errorf("topic %s is not the one whose seals closed %s: its id is %s-%s-%s-%s-%s, by the ledger's closing %s: it was deleted and made again, and cannot be counted for that month; --from-sealed checks what can be checked without the log",
			v.closing.Topic, v.Month, h[:8], h[8:12], h[12:16], h[16:20], h[20:], v.closing.TopicID)
	}
	return nil
}

// take counts a record that lies before the month's seal; of what lies after, only closed records are looked at.
func (p *partition) take(rec *kgo.Record) error {
	if rec.Attrs.IsControl() {
		return nil
	}
	if !p.done() {
		return p.add(rec)
	}
	if !bytes.Contains(rec.Value, []byte("headcount.closed")) { // closed records have one form, byte for byte
		return nil
	}
	if r, err := p.d.decode(rec, 0); err == nil && r.outcome == control {
		p.closedOnly(rec)
	}
	return nil
}

// closedOnly takes a closed record that lies after the month's seal.
func (p *partition) closedOnly(rec *kgo.Record) {
	if c, sig, err := openClosed(rec.Value); err == nil {
		p.v.closed(c, sig, "partition %d, offset %d", p.id, rec.Offset)
	}
}
