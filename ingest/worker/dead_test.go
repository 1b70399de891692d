package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/stream"
	"headcount/events/stream/broker"
)

// Whatever the log took, a dead-letter topic with the brokers' settings takes its letter: no record may stop its partition.
func TestLettersFit(t *testing.T) {
	b, err := broker.Start(t.Context(), broker.Config{Addr: "127.0.0.1:0", DataDir: t.TempDir(), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	log, err := stream.Dial(t.Context(), stream.Config{Brokers: []string{b.Addr()}, Topic: "t"})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, err := log.CreateTopic(t.Context(), "t.dead", 1, nil); err != nil {
		t.Fatal(err)
	}
	w := &Worker{cfg: Config{Topic: &stream.Topic{Name: "t"}, DeadLetter: "t.dead"}.filled(), partition: 3}
	noise := func(n int) []byte { // that nothing compresses
		b := make([]byte, n)
		rand.NewChaCha8([32]byte{}).Read(b)
		return b
	}
	within, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	for _, c := range []struct{ key, value, keyKept, valueKept int }{
		{36, 1000, 36, 1000},
		{36, 3 << 20, 36, mostLetter - 36},
		{3 << 20, 1000, mostLetter, 0},
	} {
		r := &events.Record{Offset: 7, Timestamp: time.Now().AddDate(9, 0, 0).UnixMilli(), Key: noise(c.key), Value: noise(c.value)}
		m := w.letter(r, events.OverLimit, int64(len(r.Key)+len(r.Value)))
		if err := log.Produce(within, []stream.Message{m}); err != nil {
			t.Errorf("key of %d bytes, value of %d: %v", c.key, c.value, err)
		}
		if len(m.Key) != c.keyKept || len(m.Value) != c.valueKept {
			t.Errorf("key of %d bytes, value of %d: %d and %d kept", c.key, c.value, len(m.Key), len(m.Value))
		}
		if m.Time.After(time.Now()) {
			t.Errorf("a letter of %v", m.Time)
		}
	}
}

// A letter of which headers are left out says so: it is not the whole record. Those that fit stay.
func TestLettersKeepHeaders(t *testing.T) {
	w := &Worker{cfg: Config{Topic: &stream.Topic{Name: "t"}, DeadLetter: "t.dead"}.filled(), partition: 3}
	for _, c := range []struct {
		large int
		want  string
	}{{10, "original-reason=mine big headcount-door=other-app:a"}, {mostHeaders, "cut-from-bytes original-reason=mine headcount-door=other-app:a"}} {
		r := &events.Record{Value: []byte("x"), HeaderCount: 3}
		r.Headers = events.EncodeHeader(r.Headers, "reason", []byte("mine"))
		r.Headers = events.EncodeHeader(r.Headers, "big", make([]byte, c.large))
		r.Headers = events.EncodeHeader(r.Headers, events.DoorHeader, events.DoorVerdict(events.OtherApp, "a"))
		var got []string
		for _, h := range w.letter(r, events.OtherApp, 1).Headers[4:] {
			if h.Key == "original-reason" || h.Key == events.DoorHeader {
				h.Key += "=" + string(h.Value)
			}
			got = append(got, h.Key)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%d bytes: %q, want %s", c.large, got, c.want)
		}
	}
}

// What is wrong with one partition's log halts that partition, not the process.
func TestHalt(t *testing.T) {
	for _, err := range []error{&stream.GapError{}, &stream.TruncatedError{}, &stream.RecreatedError{}, &stream.CorruptError{Err: errors.New("checksum")}, fmt.Errorf("index %w", checkpoint.ErrDiffers)} {
		if _, halted := errors.AsType[*Halted](halt(err)); !halted {
			t.Errorf("%T does not halt its partition alone", err)
		}
	}
	if _, halted := errors.AsType[*Halted](halt(&stream.BrokerError{Code: 29})); halted {
		t.Error("a refusal that concerns all halts one")
	}
}
