package checkpoint

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"headcount/counter"
	"headcount/events"
	"headcount/events/identity"
	"headcount/events/signed"
	"headcount/internal/durable/durabletest"
)

var (
	guidKey = identity.NewGUIDKey([16]byte{1, 2, 3})
	sealKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
)

func shardTemplate() *events.Template {
	t := template()
	t.KeyID, t.SealKey = guidKey.ID(), sealKey.Public().(ed25519.PublicKey)
	return t
}

// shardState opens a partition on a new disk, with rules from shardTemplate, and says how to make its shard.
func shardState(t testing.TB) (reopen func() (*Partition, *Rules, func() *counter.Shard)) {
	t.Helper()
	d := inMemory(durabletest.NewMemory())
	return func() (*Partition, *Rules, func() *counter.Shard) {
		topic := openTopic(t, d)
		rules, err := topic.Rules(t.Context(), shardTemplate())
		if err != nil {
			t.Fatal(err)
		}
		return topic.Partition(shardID), rules, func() *counter.Shard {
			return counter.NewShard(shardID, rules, identity.NewKeyring(guidKey))
		}
	}
}

// logOf makes a log of random events of few devices, with seals.
func logOf(t testing.TB, r *rand.Rand, rules *Rules, n int) (records []events.Record) {
	t.Helper()
	now := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	add := func(value []byte) {
		records = append(records, events.Record{Offset: events.Offset(len(records)), Timestamp: now.UnixMilli(), Value: value})
	}
	month := events.MonthOf(2026, 10)
	var previous *signed.PreviousClosing
	for i := range n {
		now = now.Add(time.Duration(r.IntN(120*24*3600*1000/n)) * time.Millisecond * 2)
		at := now.Add(-time.Duration(r.IntN(40*24)) * time.Hour)
		app := fmt.Sprintf("app-%d", r.IntN(1+i%7))
		switch k := r.IntN(40); {
		case k == 0:
			add([]byte("not JSON"))
		case k == 1:
			add(fmt.Appendf(nil, `{"type":"miniprogram.open","superapp":%q,"subject":"","time":%q}`, app, at.Format(time.RFC3339)))
		case k == 2:
			add(fmt.Appendf(nil, `{"type":"usage.reported","superapp":%q,"meter":"storage","month":%q,"source":"s%d","value":"%d"}`, app, events.MonthOf(at.Year(), at.Month()), r.IntN(3), r.IntN(1000)))
		case k == 3 && month < events.MonthOf(now.Year(), now.Month()):
			m, err := rules.MonthRules(month)
			if err != nil {
				t.Fatal(err)
			}
			seal := signed.Seal{
				Version: 1, Cluster: shardID.Cluster, TopicID: shardID.TopicID, Partition: shardID.Partition, Month: month,
				SealID: "seal " + month.String(), RulesHash: m.Hash(), Partitions: []events.Partition{shardID.Partition}, Previous: previous,
			}
			add(seal.Sign(sealKey))
			previous = &signed.PreviousClosing{Month: month, Partitions: seal.Partitions}
			month++
		default:
			kind := []string{"miniprogram.open", "minigame.search", "user.login", "component.push"}[r.IntN(4)]
			add(fmt.Appendf(nil, `{"type":%q,"superapp":%q,"subject":"d%031x","time":%q}`, kind, app, r.IntN(1+i/2), at.Format(time.RFC3339)))
		}
	}
	return records
}

// A shard that is saved, thrown away and loaded, again and again, ends as one that counted the log in one go.
func TestShardComesBack(t *testing.T) {
	for _, seed := range seeds(t, 3) {
		r := rand.New(rand.NewPCG(seed, 9))
		reopen := shardState(t)
		p, rules, fresh := reopen()
		records := logOf(t, r, rules, 20_000)
		straight, shard := fresh(), fresh()
		if _, _, err := p.Load(t.Context(), fresh); !errors.Is(err, ErrNone) {
			t.Fatal(err)
		}
		seals := 0
		for at := 0; at < len(records); {
			n, z, err := shard.Count(records[at:min(at+r.IntN(800), len(records))])
			if err != nil {
				t.Fatal(err)
			}
			m, y, err := straight.Count(records[at : at+n])
			if err != nil || m != n || (y == nil) != (z == nil) {
				t.Fatalf("seed %d: the two shards count %d and %d records, %v", seed, n, m, err)
			}
			at += n
			if z != nil {
				seals++
				if _, err := p.Seal(t.Context(), z); err != nil {
					t.Fatal(err)
				}
				if _, err := p.Seal(t.Context(), y); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
			if r.IntN(3) > 0 {
				continue
			}
			pos := counter.Position{Next: events.Offset(at), BatchOffset: events.Offset(at) - 1, LeaderEpoch: 2}
			if saved, err := p.Save(t.Context(), shard.Cut(pos)); err != nil || saved.Postponed != nil {
				t.Fatal(err, saved)
			}
			if r.IntN(2) == 0 {
				p, _, fresh = reopen()
				var loaded *Loaded
				if shard, loaded, err = p.Load(t.Context(), fresh); err != nil || loaded.Position != pos {
					t.Fatalf("seed %d: %+v, %v", seed, loaded, err)
				}
				if len(loaded.KeyIDs) > 1 || len(loaded.KeyIDs) == 1 && loaded.KeyIDs[0] != guidKey.ID() {
					t.Fatalf("key ids %v", loaded.KeyIDs)
				}
			}
		}
		if seals < 2 {
			t.Errorf("seed %d: only %d seals", seed, seals)
		}
		if !reflect.DeepEqual(shard.State(), straight.State()) || !reflect.DeepEqual(shard.Months(), straight.Months()) {
			t.Errorf("seed %d: state %+v, want %+v", seed, shard.State(), straight.State())
		}
		for _, m := range append(straight.Months(), straight.State().Sealed) {
			a, b := shard.Snapshot(m), straight.Snapshot(m)
			if err := errors.Join(sameRows(a.OnTime(), b.OnTime()), sameRows(a.Late(), b.Late())); err != nil {
				t.Errorf("seed %d: %s: %v", seed, m, err)
			}
		}
	}
}

// A new device costs at most 20 bytes, a repeat next to nothing, and all is written few times over.
func TestBytesPerDevice(t *testing.T) {
	const saves, perSave = 60, 3000
	reopen := shardState(t)
	p, _, fresh := reopen()
	if _, _, err := p.Load(t.Context(), fresh); !errors.Is(err, ErrNone) {
		t.Fatal(err)
	}
	shard := fresh()
	now := time.Date(2026, 10, 3, 0, 0, 0, 0, time.UTC)
	count := func(from, to int) {
		var records []events.Record
		for i := from; i < to; i++ {
			value := fmt.Appendf(nil, `{"type":"miniprogram.open","superapp":"app-001","subject":"d%031x","time":%q}`, i, now.Format(time.RFC3339))
			records = append(records, events.Record{Offset: events.Offset(i), Timestamp: now.UnixMilli(), Value: value})
		}
		if n, _, err := shard.Count(records); err != nil || n != len(records) {
			t.Fatal(n, err)
		}
	}
	var first, written, named int64
	var next events.Offset
	save := func() *Saved {
		next++
		saved, err := p.Save(t.Context(), shard.Cut(counter.Position{Next: next}))
		if err != nil || saved.Postponed != nil {
			t.Fatal(err, saved)
		}
		written += saved.Bytes
		return saved
	}
	most := 0
	for i := range saves {
		count(i*perSave, (i+1)*perSave)
		saved := save()
		most = max(most, saved.Segments)
		newest := p.current.Segments[len(p.current.Segments)-1]
		if len(p.current.Segments) > 1 && newest.Name[:20] == manifestName(p.current.Generation)[:20] {
			first = newest.Size
		}
	}
	for _, s := range p.current.Segments {
		named += s.Size
	}
	devices := int64(saves * perSave)
	t.Logf("%d devices in %d saves: %.2f bytes a device at rest, %.2f in a segment of new ones, written %.2f times, at most %d segments",
		devices, saves, float64(named)/float64(devices), float64(first)/perSave, float64(written)/float64(named), most)
	if named > 20*devices {
		t.Errorf("%d bytes for %d devices, want at most 20 each", named, devices)
	}
	if written > 6*named {
		t.Errorf("%d bytes were written for %d at rest", written, named)
	}
	written = 0
	count(0, int(devices))
	saved := save()
	if saved.Bytes > 4096 {
		t.Errorf("%d repeats cost %d bytes", devices, saved.Bytes)
	}
}
