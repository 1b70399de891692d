package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"headcount/endtoend/month"
	"headcount/endtoend/reporter"
	"headcount/events/signed"

	"github.com/segmentio/kafka-go"
)

// partitions of every topic.
const partitions = 4

const accounts = `accounts:
  - {id: acme, apps: [app-001, app-002], plan: tcmpp/pro, from: 2000-01-01, overrides: {mau.free: "10"}}
  - {id: bolt, apps: [app-003], plan: tcsas/professional, from: 2000-01-01}
  - {id: paas, apps: [app-004, app-005], plan: mpaas/standard, from: 2000-01-01}
`

// site is a folder with two configurations over the same keys and accounts: headcount.yaml is the one that is disturbed,
// calm.yaml counts the same records from a topic of its own.
type site struct {
	dir, bin string
	addr     string
	topics   [2]string

	transport kafka.Transport // of its own: the default one remembers for seconds which topics there are not
}

const (
	disturbed = "headcount.yaml"
	calm      = "calm.yaml"
)

func newSite(ctx context.Context, dir, bin, addr, name string) (*site, error) {
	s := &site{dir: dir, bin: bin, addr: addr, topics: [2]string{name, name + "-calm"}}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	for i, file := range []string{disturbed, calm} {
		reporters, err := reporter.Files(dir, month.Reporters...)
		if err != nil {
			return nil, err
		}
		text := reporters + fmt.Sprintf(`billing: {grace: 0s, skew_limit: "1", reject_limit: "1", quantity_jump: 0}
kafka: {brokers: [%q], topic: %s, group: %s, session_timeout: 1500ms, producer_time: accept}
ingest: {checkpoint_interval: 30ms}
state: file://data/%d/state
ledger: sqlite://data/%d/ledger.db
`, addr, s.topics[i], s.topics[i], i, i)
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "accounts.yaml"), []byte(accounts), 0o644); err != nil {
		return nil, err
	}
	for _, file := range []string{disturbed, calm} {
		if _, err := s.ok(ctx, "ingest", "init", "--config", file); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *site) start(strike func(string), program string, args ...string) (*process, error) {
	return start(s.dir, strike, filepath.Join(s.bin, program), args...)
}

// ok runs a command that must succeed and returns what it prints.
func (s *site) ok(ctx context.Context, program string, args ...string) ([]byte, error) {
	p, err := s.start(nil, program, args...)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { p.cmd.Process.Kill() })()
	code, err := p.wait()
	if err == nil && code != 0 {
		err = fmt.Errorf("%s: exit code %d\n%s", p.line, code, p.tail())
	}
	return p.out.Bytes(), err
}

// records makes a month, its slices its own. Both configurations have the same seal key.
func (s *site) records(name string, n int, seed uint64) ([]kafka.Message, error) {
	key, err := signed.LoadSealPublicKey(filepath.Join(s.dir, "data/seal.pub"))
	if err != nil {
		return nil, err
	}
	g, err := month.New(month.Config{
		Month: name, Events: n, Devices: n / 3, Apps: 8, Seed: seed, Logins: 0.05, Components: 0.2, Reported: 0.02, SealKey: key, Odd: 0.1, Binary: 0.05,
	})
	if err != nil {
		return nil, err
	}
	var all []kafka.Message
	var rec month.Record
	for g.Next(&rec) {
		m := kafka.Message{Key: bytes.Clone(rec.Key), Value: bytes.Clone(rec.Value), Time: time.UnixMilli(rec.Timestamp)}
		for _, h := range rec.Headers {
			m.Headers = append(m.Headers, kafka.Header{Key: h.Name, Value: bytes.Clone(h.Value)})
		}
		all = append(all, m)
	}
	return all, nil
}

// send sends the same records to both topics, in the same order within each partition.
func (s *site) send(ctx context.Context, messages []kafka.Message) error {
	defer s.transport.CloseIdleConnections() // none may outlive the broker
	for _, topic := range s.topics {
		if err := s.sendTo(ctx, topic, messages); err != nil {
			return fmt.Errorf("send to %s: %.300s", topic, err)
		}
	}
	return nil
}

// sendTo sends to a topic; what was not written, because the partition has no leader yet after Kafka's start, is sent again.
func (s *site) sendTo(ctx context.Context, topic string, messages []kafka.Message) error {
	w := s.writer(topic)
	defer w.Close()
	for try := 0; ; try++ {
		err := w.WriteMessages(ctx, messages...)
		var each kafka.WriteErrors
		if !errors.As(err, &each) || try == 100 {
			return err
		}
		var again []kafka.Message
		for i, e := range each {
			if errors.Is(e, kafka.NotLeaderForPartition) || errors.Is(e, kafka.LeaderNotAvailable) {
				again = append(again, messages[i])
			} else if e != nil {
				return e
			}
		}
		messages = again
		sleep(ctx, 100*time.Millisecond)
	}
}

// writer sends to a topic.
func (s *site) writer(topic string) *kafka.Writer {
	return &kafka.Writer{
		Transport: &s.transport, Addr: kafka.TCP(s.addr), Topic: topic, RequiredAcks: kafka.RequireAll,
		BatchSize: 5000, BatchTimeout: time.Millisecond, Balancer: kafka.Murmur2Balancer{Consistent: true},
		MaxAttempts: 1, // a second try could double records in one of the topics
		ReadTimeout: patience, WriteTimeout: patience,
	}
}

// sums are the SHA-256 of a month's sealed data by partition, and what its index counts.
func (s *site) sums(i int, month string) (map[string]string, error) {
	files, err := filepath.Glob(filepath.Join(s.dir, "data", fmt.Sprint(i), "state/*/*/*/sealed", month+".index"))
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		lines := strings.Split(string(text), "\n")
		var index map[string]any
		if err := json.Unmarshal([]byte(lines[min(1, len(lines)-1)]), &index); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, own := range []string{"cluster", "topic_id", "offset", "seal_id", "seal_hash", "data"} {
			delete(index, own) // of the topic, not of what was counted; offsets move with repeated seals
		}
		content, err := json.Marshal(index)
		if err != nil {
			return nil, err
		}
		all[filepath.Base(filepath.Dir(filepath.Dir(file)))] = string(content)
	}
	return all, nil
}

// content is a printed month without what belongs to its topic.
func content(printed []byte) (string, error) {
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(printed, &doc); err != nil {
		return "", fmt.Errorf("not the JSON expected: %w\n%.500s", err, printed)
	}
	delete(doc, "topic")
	delete(doc, "sealed")
	text, err := json.Marshal(doc)
	return string(text), err
}
