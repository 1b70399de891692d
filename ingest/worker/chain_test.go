package worker

import (
	"crypto/ed25519"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/identity"
	"headcount/events/signed"
	"headcount/events/stream"
)

// What is on record of a lost seal concerns the month that is sealed next and the one after, wherever in the former log those before
// them were sealed; the shard goes on where it is accepted or on record already, and halts elsewhere.
func TestLossOfASeal(t *testing.T) {
	keys := identity.NewKeyring(identity.NewGUIDKey([16]byte{1}))
	const lost = events.Month(2026*12 + 8)
	for _, tt := range []struct {
		name               string
		early, before, now events.Offset // offsets of seals: of the month before the lost one, of the lost one, of the next
		want               counter.Gap
	}{
		{"the log grew past it", 10, 20, 50, counter.Gap{From: 20, To: 50}},
		{"the log is shorter than it was", 10, 200, 50, counter.Gap{From: 50, To: 201}},
		{"the log was cut before: offsets went back", 300, 200, 50, counter.Gap{From: 50, To: 301}},
		{"nothing was sealed before it", -1, 20, 50, counter.Gap{From: 20, To: 50}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			bucket, err := checkpoint.OpenDirectory(dir)
			if err != nil {
				t.Fatal(err)
			}
			topic := &stream.Topic{Name: "events", ID: "id", Cluster: "cluster"}
			template := &events.Template{TimeZone: "UTC", Precision: 14, Limits: events.DefaultLimits, KeyID: keys.Newest().ID(), SealKey: make(ed25519.PublicKey, ed25519.PublicKeySize)}
			cfg := Config{Topic: topic, State: checkpoint.OpenTopic(bucket, topic.Name, topic.ID), Logger: slog.New(slog.DiscardHandler)}
			rules, err := cfg.State.Rules(t.Context(), template)
			if err != nil {
				t.Fatal(err)
			}
			worker := func(acceptGap bool, gaps ...counter.Gap) *chain {
				cfg.AcceptGap = acceptGap
				w := New(cfg, 3)
				w.shard = counter.NewShard(counter.Identity{Cluster: "cluster", TopicID: "id", Partition: 3}, rules, keys)
				for _, g := range gaps {
					w.shard.AcceptGap(g)
				}
				return &chain{w: w, ctx: t.Context()}
			}
			c := worker(false)
			sealed := func(m events.Month, at events.Offset) {
				t.Helper()
				z := c.w.shard.Snapshot(m)
				z.Offset, z.Partition, z.Precision = at, 3, 14
				if _, err := c.w.part.Seal(t.Context(), z); err != nil {
					t.Fatal(err)
				}
			}
			if there, err := c.Sealed(lost); there || err != nil {
				t.Errorf("sealed: %v, %v", there, err)
			}
			if tt.early >= 0 {
				sealed(lost-1, tt.early)
			}
			sealed(lost, tt.before)
			c.unsealed[lost] = c.unsealed[lost].Add(-time.Minute)
			if there, err := c.Sealed(lost); !there || err != nil {
				t.Errorf("sealed since: %v, %v", there, err)
			}
			seal := &signed.Seal{Month: lost + 1, Previous: &signed.PreviousClosing{Month: lost, Partitions: []events.Partition{3}}}
			c = worker(false)
			if there, err := c.Sealed(lost); !there || err != nil {
				t.Errorf("sealed: %v, %v", there, err)
			}
			var halted *Halted
			if err := c.Accept(seal, tt.now); !errors.As(err, &halted) {
				t.Errorf("not accepted: %v, want a halt", err)
			}
			if gaps, _, err := c.w.part.Gaps(t.Context()); len(gaps) > 0 || err != nil {
				t.Errorf("on record %v, %v", gaps, err)
			}
			c = worker(true)
			for range 2 { // once
				if err := c.Accept(seal, tt.now); err != nil {
					t.Error(err)
				}
			}
			gaps, _, err := c.w.part.Gaps(t.Context())
			if err != nil || len(gaps) != 1 || gaps[0].From != tt.want.From || gaps[0].To != tt.want.To {
				t.Fatalf("on record %+v, %v; want %+v", gaps, err, tt.want)
			}
			if err := worker(false, gaps...).Accept(seal, tt.now); err != nil {
				t.Errorf("on record: %v", err)
			}
			late := worker(false) // it started before the loss was accepted
			if err := late.Accept(seal, tt.now); err != nil || !slices.Equal(late.w.shard.State().Gaps, gaps) {
				t.Errorf("on record since: %v, %v", late.w.shard.State().Gaps, err)
			}
			if err := worker(false, gaps...).Accept(seal, tt.now+1); !errors.As(err, &halted) {
				t.Errorf("another seal's is on record: %v, want a halt", err)
			}
			files, err := filepath.Glob(filepath.Join(dir, "*/*/3/sealed", lost.String()+".index"))
			if err == nil {
				err = os.WriteFile(files[0], []byte("damaged"), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := worker(true).Sealed(lost); !errors.As(err, &halted) || !errors.Is(err, checkpoint.ErrDamaged) {
				t.Errorf("damaged: %v, want a halt", err)
			}
		})
	}
}
