package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"headcount/endtoend/month"

	"github.com/segmentio/kafka-go"
)

func newRandom(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// recoveries counts a month of many devices and measures how long a process that is killed and started anew takes from the
// assignment of a partition to the first records counted in it.
func recoveries(ctx context.Context, o options, dir, addr string) error {
	s, err := newSite(ctx, dir, o.bin, addr, "recovery")
	if err != nil {
		return err
	}
	fmt.Printf("\ncounting %d devices …\n", o.devices)
	if err := s.sendDevices(ctx, o.devices); err != nil {
		return err
	}
	if _, err := s.ok(ctx, "ingest", "run", "--until-end"); err != nil {
		return err
	}
	var all []time.Duration
	for i := range o.recoveries {
		if err := s.sendEach(ctx, i); err != nil {
			return err
		}
		p, err := s.start(nil, "ingest", "run", "--instance", "one")
		if err != nil {
			return err
		}
		if !p.until(ctx, patience, func() bool { return len(p.first) == partitions }) {
			p.kill()
			return fmt.Errorf("not every partition counted after %v:\n%s", patience, p.tail())
		}
		p.kill()
		for _, d := range p.first {
			all = append(all, d)
		}
	}
	printTimes(os.Stdout, fmt.Sprintf("from assignment to the first records counted, %d devices", o.devices), all)
	return nil
}

// sendDevices sends some events of each device.
func (s *site) sendDevices(ctx context.Context, devices int) error {
	g, err := month.New(month.Config{Month: "2025-03", Events: 2 * devices, Devices: devices, Apps: 20, Seed: 1})
	if err != nil {
		return err
	}
	w := s.writer(s.topics[0])
	defer w.Close()
	var rec month.Record
	var batch []kafka.Message
	for more := true; more; {
		if more = g.Next(&rec); more {
			batch = append(batch, kafka.Message{Key: append([]byte(nil), rec.Key...), Value: append([]byte(nil), rec.Value...), Time: time.UnixMilli(rec.Timestamp)})
		}
		if len(batch) == 20_000 || !more && len(batch) > 0 {
			if err := w.WriteMessages(ctx, batch...); err != nil {
				return fmt.Errorf("send: %.300w", err)
			}
			batch = batch[:0]
		}
	}
	return nil
}

// sendEach sends an event to each partition.
func (s *site) sendEach(ctx context.Context, round int) error {
	w := s.writer(s.topics[0])
	defer w.Close()
	w.Balancer = inTurn{}
	var batch []kafka.Message
	for p := range partitions {
		id := fmt.Sprintf("device-%d-%d", round, p)
		batch = append(batch, kafka.Message{
			WriterData: p, Key: []byte(id), Time: time.Date(2025, 3, 31, 0, 0, 0, 0, time.UTC),
			Value: fmt.Appendf(nil, `{"type":"miniprogram.open","subject":%q,"superapp":"app-001","time":"2025-03-31T00:00:00Z"}`, id),
		})
	}
	return w.WriteMessages(ctx, batch...)
}

// inTurn sends a message where its WriterData says.
type inTurn struct{}

func (inTurn) Balance(m kafka.Message, _ ...int) int { return m.WriterData.(int) }
