package checkpoint

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"headcount/counter"
)

// dear is a bucket that asks for checkpoints of one file, counts what is asked of it, and tells how old files are.
type dear struct {
	Bucket
	creates, lists int
	old            bool // all files are older than a fence
}

func (d *dear) OneFile() bool { return true }

func (d *dear) Create(ctx context.Context, name string, write func(io.Writer) error) error {
	d.creates++
	return d.Bucket.Create(ctx, name, write)
}

func (d *dear) ListBefore(ctx context.Context, prefix string, _ time.Time) ([]string, map[string]bool, error) {
	d.lists++
	names, err := d.List(ctx, prefix)
	before := map[string]bool{}
	for _, n := range names {
		before[n] = d.old
	}
	return names, before, err
}

func dearBucket(t *testing.T) *dear {
	t.Helper()
	host, err := openOn(sealedState(), "state")
	if err != nil {
		t.Fatal(err)
	}
	return &dear{Bucket: host}
}

// unsealed makes the next delta that is past no further seal.
func unsealed(t *testing.T, s *script) *counter.Delta {
	t.Helper()
	for {
		before, truth := *s, s.truth.clone()
		if d := s.next(t); d.State.Sealed == before.state.Sealed {
			return d
		}
		*s, s.truth = before, truth // but for what was drawn
	}
}

func loadFrom(t *testing.T, b Bucket) (*Partition, *model) {
	t.Helper()
	p := OpenTopic(b, "sdk-events", shardID.TopicID).Partition(shardID)
	m, _, err := load(t.Context(), p, newModel)
	if errors.Is(err, ErrNone) {
		return p, newModel()
	}
	if err != nil {
		t.Fatal(err)
	}
	return p, m
}

// A checkpoint of little is one file, and hardly ever a list; what is loaded is what was saved.
func TestCheckpointIsOneFile(t *testing.T) {
	b, s := dearBucket(t), newScript(7)
	p, _ := loadFrom(t, b)
	const saves = 600
	for i := range saves {
		if _, err := p.Save(t.Context(), unsealed(t, s)); err != nil {
			t.Fatal(err)
		}
		if i%97 == 0 {
			if _, got := loadFrom(t, b); got.diff(s.truth) != "" {
				t.Fatalf("after %d saves: %s", i+1, got.diff(s.truth))
			}
		}
	}
	t.Logf("%d saves: %d files made, %d lists", saves, b.creates, b.lists)
	if most := saves * 12 / 10; b.creates > most {
		t.Errorf("%d saves made %d files, want at most %d", saves, b.creates, most)
	}
	if most := saves/sweepEvery + 2; b.lists > most {
		t.Errorf("%d saves looked for garbage %d times, want at most %d", saves, b.lists, most)
	}
	if _, got := loadFrom(t, b); got.diff(s.truth) != "" {
		t.Error(got.diff(s.truth))
	}
}

// A writer that slept finds that it is lost, as long as there are fences; past them it takes nothing from the one that went on.
func TestSleeper(t *testing.T) {
	for _, old := range []bool{false, true} {
		b, s := dearBucket(t), newScript(9)
		b.old = old
		p, _ := loadFrom(t, b)
		for range 30 {
			if _, err := p.Save(t.Context(), unsealed(t, s)); err != nil {
				t.Fatal(err)
			}
		}
		sleeper, dream := p, *s
		dream.truth = s.truth.clone()
		next, _ := loadFrom(t, b)
		for range 200 {
			if _, err := next.Save(t.Context(), unsealed(t, s)); err != nil {
				t.Fatal(err)
			}
		}
		names, err := b.List(t.Context(), sleeper.folder)
		if err != nil {
			t.Fatal(err)
		}
		manifests := 0
		for _, n := range names {
			if strings.HasSuffix(n, manifestSuffix) {
				manifests++
			}
		}
		if pruned := manifests < 200; pruned != old {
			t.Fatalf("files are old: %v; %d manifests of 230 are there", old, manifests)
		}
		lost := false
		for range 2 * sweepEvery {
			if _, err = sleeper.Save(t.Context(), unsealed(t, &dream)); err != nil {
				lost = errors.Is(err, ErrLost)
				break
			}
		}
		if !lost {
			t.Errorf("files are old: %v: the sleeper was not told: %v", old, err)
		}
		if _, got := loadFrom(t, b); got.diff(s.truth) != "" {
			t.Errorf("files are old: %v: %s", old, got.diff(s.truth))
		}
		if _, err := next.Save(t.Context(), unsealed(t, s)); err != nil {
			t.Errorf("files are old: %v: the one that went on: %v", old, err)
		}
	}
}
