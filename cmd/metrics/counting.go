package metrics

import (
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"headcount/counter/dictionary"
	"headcount/events"
	"headcount/ingest/worker"
)

// Counting collects what `ingest run` is at. Partitions are those that the process has at the moment of the question: one that it gave
// up is not shown any more.
type Counting struct {
	Figures    *worker.Figures
	Partitions int           // of the topic
	Troubles   func() uint64 // with brokers, so far; nil: not connected yet
	Now        func() time.Time
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("headcount_"+name, help, labels, nil)
}

var (
	records         = describe("records_total", "Records read from the log, of whatever outcome.")
	recordBytes     = describe("record_bytes_total", "Bytes of record batches read from the log, as they were sent.")
	skewed          = describe("skewed_events_total", "Events with a wrong device clock, counted by their record's timestamp.")
	unknown         = describe("unknown_records_total", "Records of types that the rules do not know, skipped.")
	dead            = describe("dead_letters_total", "Records that could not be counted, by reason, as the dead letter's header has it.", "reason")
	checkpoints     = describe("checkpoints_total", "Checkpoints made durable.")
	checkpointBytes = describe("checkpoint_bytes_total", "Bytes written by checkpoints, compaction included.")
	checkpointTime  = describe("checkpoint_seconds_total", "Time that writing checkpoints took, of all partitions.")
	seals           = describe("seals_total", "Months sealed in a partition and made durable.")
	invalidSeals    = describe("invalid_seals_total", "Seals in the log that were not valid and changed nothing.")
	halts           = describe("halts_total", "Partitions that came to stand until an operator looks at them.")
	partitions      = describe("topic_partitions", "Partitions of the topic, as of the process's start.")
	joined          = describe("group_joined", "1 where the process has heard which partitions are its own.")
	troubles        = describe("broker_errors_total", "Failures and refusals of brokers that were tried again, the first tries left out.")
	dictionaryBytes = describe("dictionary_bytes", "Memory of dictionaries, which the Go runtime does not count.")

	phase      = describe("partition_phase", "1 for the phase that a partition's worker is in: restoring, counting, halted or ended.", "partition", "phase")
	nextOffset = describe("partition_next_offset", "Offset of the record to be counted next.", "partition")
	lag        = describe("partition_lag_records", "Offsets from there to the log's end, as last heard.", "partition")
	lagSeconds = describe("partition_lag_seconds", "Age of the record counted last, by its timestamp; 0 where the end is reached.", "partition")
	replay     = describe("partition_replay_records", "Offsets that would be read again after a crash: counted, and in no checkpoint.", "partition")
	age        = describe("partition_checkpoint_age_seconds", "Time since the first of those was counted; 0 where there is none.", "partition")
	size       = describe("partition_checkpoint_bytes", "Bytes written by the newest checkpoint, compaction included.", "partition")
	apps       = describe("partition_apps", "Windows of apps in open months.", "partition")
	devices    = describe("partition_devices", "Devices and users in them.", "partition")
	deviation  = describe("partition_witness_deviation", "Distance of exact count and estimate in the largest app that changed, in standard errors of the estimate.", "partition")
	sealed     = describe("partition_sealed_timestamp_seconds", "End of the newest sealed month, in UTC; 0 where none is sealed.", "partition")
)

// holding are the reasons that hold an invoice with the first dead letter, or lose a batch: they are shown before there is one, as an
// increase is seen only of what was there before.
var holding = []events.Reason{events.OverLimit, events.BrokenBatch}

// Describe sends nothing: which partitions there are is not known beforehand.
func (c *Counting) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *Counting) Collect(out chan<- prometheus.Metric) {
	in, live, t := c.Figures.Snapshot()
	counter := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter(records, float64(t.Records))
	counter(recordBytes, float64(t.Bytes))
	counter(skewed, float64(t.Skewed))
	counter(unknown, float64(t.Unknown))
	for _, why := range holding {
		if _, met := t.Dead[why]; !met {
			counter(dead, 0, string(why))
		}
	}
	for why, n := range t.Dead {
		counter(dead, float64(n), string(why))
	}
	counter(checkpoints, float64(t.Checkpoints))
	counter(checkpointBytes, float64(t.CheckpointBytes))
	counter(checkpointTime, t.CheckpointTime.Seconds())
	counter(seals, float64(t.Seals))
	counter(invalidSeals, float64(t.InvalidSeals))
	counter(halts, float64(t.Halts))
	gauge(partitions, float64(c.Partitions))
	gauge(joined, truth(in))
	if c.Troubles != nil {
		counter(troubles, float64(c.Troubles()))
	}
	gauge(dictionaryBytes, float64(dictionary.BytesInUse()))
	now := c.Now()
	for i := range live {
		p := &live[i]
		id := strconv.Itoa(int(p.Partition))
		gauge(phase, 1, id, string(p.Phase))
		if p.Phase == worker.Restoring {
			continue // all else is not known yet
		}
		gauge(nextOffset, float64(p.Next), id)
		if p.End >= 0 {
			gauge(lag, float64(p.Lag()), id)
		}
		if late, known := lateness(p, now); known {
			gauge(lagSeconds, late.Seconds(), id)
		}
		gauge(replay, float64(max(0, p.Next-p.Durable)), id)
		gauge(age, checkpointAge(p, now).Seconds(), id)
		gauge(size, float64(p.CheckpointBytes), id)
		gauge(apps, float64(p.Apps), id)
		gauge(devices, float64(p.Devices), id)
		gauge(deviation, p.Deviation, id)
		gauge(sealed, endOf(p.Sealed), id)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// lateness is how old the newest counted record is where more lie behind it.
func lateness(p *worker.PartitionFigures, now time.Time) (late time.Duration, known bool) {
	switch {
	case p.End >= 0 && p.Lag() == 0:
		return 0, true
	case p.End < 0 || p.Newest.IsZero():
		return 0, false
	}
	return max(0, now.Sub(p.Newest)), true
}

func checkpointAge(p *worker.PartitionFigures, now time.Time) time.Duration {
	if p.Undurable.IsZero() {
		return 0
	}
	return max(0, now.Sub(p.Undurable))
}

func endOf(m events.Month) float64 {
	if m == 0 {
		return 0
	}
	next := m + 1
	return float64(time.Date(next.Year(), next.Calendar(), 1, 0, 0, 0, 0, time.UTC).Unix())
}

// State says why the process does not count as it should: it has not heard which partitions are its own; one is still being restored;
// one has had no checkpoint for longer than bound. Remarks name the partitions that stand: no restart mends them, and the others go on.
func (c *Counting) State(bound time.Duration) (why, remarks []string) {
	in, live, _ := c.Figures.Snapshot()
	if !in {
		return []string{"the group has not said yet which partitions are this process's"}, nil
	}
	now := c.Now()
	for i := range live {
		p := &live[i]
		switch age := checkpointAge(p, now); {
		case p.Phase == worker.Standing:
			remarks = append(remarks, fmt.Sprintf("partition %d is halted: %v", p.Partition, p.Why))
		case p.Phase == worker.Restoring:
			why = append(why, fmt.Sprintf("partition %d is being restored", p.Partition))
		case age > bound:
			why = append(why, fmt.Sprintf("partition %d has had no checkpoint for %s, more than %s: %d records would be read again", p.Partition, age.Round(time.Second), bound, p.Next-p.Durable))
		}
	}
	return why, remarks
}
