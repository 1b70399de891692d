package endtoend

import (
	"bytes"
	"os"
	"testing"
	"time"

	"headcount/endtoend/month"
	"headcount/endtoend/naive"

	"github.com/segmentio/kafka-go"
)

// partitions of every topic here.
const partitions = 4

// record is a record to send, its slices its own.
type record struct {
	month.Record
	partition int // −1: the key decides
}

// generate makes a month's records.
func generate(t *testing.T, c month.Config) (records []record) {
	t.Helper()
	g, err := month.New(c)
	if err != nil {
		t.Fatal(err)
	}
	var rec month.Record
	for g.Next(&rec) {
		r := record{rec, -1}
		r.Key, r.Value = bytes.Clone(rec.Key), bytes.Clone(rec.Value)
		for i, h := range rec.Headers {
			rec.Headers[i].Value = bytes.Clone(h.Value)
		}
		records = append(records, r)
	}
	return records
}

// event makes a plain event.
func event(kind, app, subject, at string) record {
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		panic(err)
	}
	r := record{partition: -1}
	r.Key, r.Timestamp = []byte(subject), t.UnixMilli()
	r.Value = []byte(`{"specversion":"1.0","type":"` + kind + `","source":"t","id":"1","time":"` + at + `","subject":"` + subject + `","superapp":"` + app + `"}`)
	return r
}

// file writes records as NDJSON.
func (s *site) file(name string, records []record) string {
	s.Helper()
	var b bytes.Buffer
	for _, r := range records {
		b.Write(r.Value)
		b.WriteByte('\n')
	}
	if err := os.WriteFile(s.path(name), b.Bytes(), 0o644); err != nil {
		s.Fatal(err)
	}
	return name
}

// load sends records with the command; their timestamps are then those of the loading.
func (s *site) load(l *naive.Log, records []record) {
	s.Helper()
	s.ok("ingest", "load", s.file("load.ndjson", records))
	now := time.Now()
	for _, r := range records {
		l.Add(naive.Record{Value: r.Value, Time: now})
	}
}

// send sends records with their own timestamps, headers and partitions, as SDK pipelines do.
func (s *site) send(l *naive.Log, records []record) {
	s.Helper()
	transport := &kafka.Transport{DialTimeout: patience} // its own: the default one remembers for seconds which topics there are not
	defer transport.CloseIdleConnections()
	w := &kafka.Writer{
		Transport: transport, Addr: kafka.TCP(s.addr), Topic: s.topic, RequiredAcks: kafka.RequireAll,
		BatchSize: 2000, BatchTimeout: 5 * time.Millisecond, Balancer: byPartition{},
		ReadTimeout: patience, WriteTimeout: patience, // what is sent again because the answer was late is twice in the log
	}
	defer w.Close()
	var messages []kafka.Message
	for i, r := range records {
		p := r.partition
		if p < 0 {
			p = naive.Partition(r.Key, partitions)
		}
		m := kafka.Message{Key: r.Key, Value: r.Value, Time: time.UnixMilli(r.Timestamp), WriterData: p}
		add := naive.Record{Value: r.Value, Time: m.Time}
		if r.Headers != nil {
			add.Headers = map[string]string{}
		}
		for _, h := range r.Headers {
			m.Headers = append(m.Headers, kafka.Header{Key: h.Name, Value: h.Value})
			add.Headers[h.Name] = string(h.Value)
		}
		if l != nil {
			l.Add(add)
		}
		if messages = append(messages, m); len(messages) == 20_000 || i == len(records)-1 {
			if err := w.WriteMessages(s.Context(), messages...); err != nil {
				s.Fatalf("send: %.200s", err) // it repeats itself for each message
			}
			messages = messages[:0]
		}
	}
}

// byPartition sends a message where its WriterData says.
type byPartition struct{}

func (byPartition) Balance(m kafka.Message, _ ...int) int { return m.WriterData.(int) }
