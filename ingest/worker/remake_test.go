package worker

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/identity"
	"headcount/events/stream"
)

// cutLog is a log that is cut right after it was asked for its end: nothing comes from it.
type cutLog struct {
	Log
	asked int
}

func (l *cutLog) PartitionOffsets(context.Context, events.Partition) (stream.Offsets, bool, error) {
	l.asked++
	if l.asked == 1 {
		return stream.Offsets{Stable: 10, End: 10}, true, nil
	}
	return stream.Offsets{}, true, nil
}

func (l *cutLog) NewReader(context.Context) Reader                       { return l }
func (l *cutLog) Open(events.Partition, stream.Position) PartitionReader { return l }
func (l *cutLog) Close()                                                 {}
func (l *cutLog) Next(ctx context.Context) (*stream.Batch, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// A log that is cut while a sealed month is counted again is not waited for.
func TestRemakeFromALogThatIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := identity.NewKeyring(identity.NewGUIDKey([16]byte{1}))
		bucket, err := checkpoint.OpenDirectory(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		topic := &stream.Topic{Name: "events", ID: "id", Cluster: "cluster"}
		cfg := Config{
			Topic: topic, State: checkpoint.OpenTopic(bucket, topic.Name, topic.ID), Keys: keys, Logger: slog.New(slog.DiscardHandler), Log: &cutLog{},
			Template: &events.Template{TimeZone: "UTC", Precision: 14, Limits: events.DefaultLimits, KeyID: keys.Newest().ID(), SealKey: make(ed25519.PublicKey, ed25519.PublicKeySize)},
		}
		var halted *Halted
		if err := Remake(t.Context(), cfg, 3, events.Month(2026*12)); !errors.As(err, &halted) || !strings.Contains(err.Error(), "holds no valid seal of it") {
			t.Errorf("%v, want a halt", err)
		}
	})
}
