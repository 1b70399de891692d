package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"text/tabwriter"

	"github.com/twmb/franz-go/pkg/kgo"

	"headcount/events/stream"
)

const (
	headcount = "headcount"
	franz     = "franz-go"
	kafkago   = "kafka-go"
)

// result is one reader on one topic.
type result struct {
	Codec      string  `json:"codec"`
	Partitions int     `json:"partitions"`
	Reader     string  `json:"reader"`
	NS         float64 `json:"cpu_ns_per_record"` // the least of the runs
	Ratio      float64 `json:"ratio,omitempty"`   // to franz-go; 0: not measured
	PeakRSSMB  float64 `json:"peak_rss_mb"`       // the most of the runs
}

// measure writes the topics, reads them, shows the results and says whether they keep to the limits.
func measure(ctx context.Context, o options) error {
	type shape struct {
		codec      string
		partitions int
		readers    []string
	}
	readers := []string{headcount}
	if o.Peers {
		readers = append(readers, franz, kafkago)
	}
	shapes := []shape{{"none", 1, readers}, {"none", o.Wide, readers}, {"lz4", 1, readers}, {"lz4", o.Wide, readers}}
	if o.Many > 0 {
		shapes = append(shapes, shape{"lz4", o.Many, readers[:1]})
	}
	var all []result
	for _, s := range shapes {
		o.topic = fmt.Sprintf("reading-%s-%d-%d", s.codec, s.partitions, os.Getpid())
		fmt.Fprintf(os.Stderr, "%s …\n", o.topic)
		if err := write(ctx, o, s.codec, s.partitions); err != nil {
			return fmt.Errorf("write %s: %w", o.topic, err)
		}
		results := make([]result, len(s.readers))
		for range o.Runs {
			for i, reader := range s.readers { // in turn, so that what else the machine does meets all of them
				r, err := one(ctx, o, reader)
				if err != nil {
					return fmt.Errorf("%s reads %s: %w", reader, o.topic, err)
				}
				if b := results[i]; b.NS != 0 {
					r.NS, r.PeakRSSMB = min(r.NS, b.NS), max(r.PeakRSSMB, b.PeakRSSMB)
				}
				r.Codec, r.Partitions, r.Reader = s.codec, s.partitions, reader
				results[i] = r
			}
		}
		for i := range results {
			if len(results) > 1 {
				results[i].Ratio = results[i].NS / results[1].NS
			}
		}
		all = append(all, results...)
	}
	if err := show(o, all); err != nil {
		return err
	}
	return judge(o, all)
}

// write makes the topic and fills it with events of 247 bytes, in batches of up to 64 KiB.
func write(ctx context.Context, o options, codec string, partitions int) error {
	l, err := stream.Dial(ctx, stream.Config{Brokers: []string{o.Kafka}, Topic: o.topic})
	if err != nil {
		return err
	}
	defer l.Close()
	if _, err := l.CreateTopic(ctx, o.topic, int32(partitions), map[string]string{"retention.ms": "-1"}); err != nil {
		return err
	}
	compression := kgo.NoCompression()
	if codec == "lz4" {
		compression = kgo.Lz4Compression()
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(o.Kafka), kgo.DefaultProduceTopic(o.topic), kgo.ProducerBatchCompression(compression),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(64<<10), kgo.MaxBufferedRecords(50_000))
	if err != nil {
		return err
	}
	defer client.Close()
	var failed error
	for i := range o.Records {
		guid := fmt.Sprintf("%08x-7e5c-4b7e-9b1f-1f0e2d3c4b5a", uint32(i)*2654435761)
		value := fmt.Appendf(nil, `{"specversion":"1.0","type":"miniprogram.open","source":"sdk/android/2.4.1","id":"0198f7d2-6a4c-7c31-9b55-%012x",`+
			`"time":"2025-03-03T08:%02d:%02d.%03dZ","subject":"%s","superapp":"app-001","miniprogram":"mp-%02d"}`, i, i/60%60, i%60, i%1000, guid, i%90+10)
		// Runs of 200 records fill batches in every partition, as a busy producer's do.
		r := &kgo.Record{Key: []byte(guid), Value: value, Partition: int32(i / 200 % partitions)}
		client.Produce(ctx, r, func(_ *kgo.Record, err error) {
			if err != nil && failed == nil { // promises are called one at a time
				failed = err
			}
		})
	}
	if err := client.Flush(ctx); err != nil {
		return err
	}
	return failed
}

// one runs a reader as a process of its own.
func one(ctx context.Context, o options, reader string) (r result, err error) {
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	cmd := exec.CommandContext(ctx, self, "--child", reader, "--kafka", o.Kafka, "--topic", o.topic)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return r, err
	}
	var t tally
	if err := json.Unmarshal(out, &t); err != nil {
		return r, err
	}
	if t.Records != int64(o.Records) {
		return r, fmt.Errorf("%d records read, %d written", t.Records, o.Records)
	}
	r.NS = float64((cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Nanoseconds()) / float64(t.Records)
	r.PeakRSSMB = float64(t.PeakKB) / 1024
	return r, nil
}

func show(o options, all []result) error {
	if o.JSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			options
			Results []result `json:"results"`
		}{o, all})
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "codec\tpartitions\treader\tns CPU/record\tof franz-go\tpeak MB\t")
	for _, r := range all {
		ratio := "–"
		if r.Ratio != 0 {
			ratio = strconv.FormatFloat(r.Ratio, 'f', 2, 64)
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%.0f\t%s\t%.0f\t\n", r.Codec, r.Partitions, r.Reader, r.NS, ratio, r.PeakRSSMB)
	}
	return w.Flush()
}

// judge holds Headcount's results against the limits.
func judge(o options, all []result) error {
	for _, r := range all {
		switch {
		case r.Reader != headcount:
		case o.Ratio > 0 && r.Ratio > o.Ratio:
			return fmt.Errorf("%s, %d partitions: %.2f of franz-go's CPU, at most %.2f wanted", r.Codec, r.Partitions, r.Ratio, o.Ratio)
		case o.MaxRSS > 0 && r.PeakRSSMB > o.MaxRSS:
			return fmt.Errorf("%s, %d partitions: %.0f MB, at most %.0f wanted", r.Codec, r.Partitions, r.PeakRSSMB, o.MaxRSS)
		}
	}
	return nil
}
