package checkpoint

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

// listing is a store whose lists are all of the same time.
type listing struct {
	Bucket
	names []string
}

func (l listing) List(_ context.Context, prefix string) (found []string, _ error) {
	for _, name := range l.names {
		if strings.HasPrefix(name, prefix) {
			found = append(found, name)
		}
	}
	return found, nil
}

// From a list of any earlier time the newest checkpoint is found, or none, and that is said: never an older one. So it is where
// the newest were damaged and passed over, and where a writer died between its segment and its manifest.
func TestOldLists(t *testing.T) {
	for _, seed := range seeds(t, 3) {
		disk := sealedState()
		s := newScript(seed)
		p, _, _ := begin(t, disk)
		names, err := p.bucket.List(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		lists := [][]string{names} // from before the first
		found, refused := 0, 0
		for i := range 24 {
			d := s.next(t)
			if _, err := p.Save(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			if i%5 == 4 { // its successor passes the newest over, and finds what a dead writer left
				if err := create(t, p.bucket, p.folder+segmentName(p.newest+1, "DEAD"), "half a segment"); err != nil {
					t.Fatal(err)
				}
				disk.corrupt(t, "state/"+p.folder+manifestName(p.newest), func(b []byte) []byte { b[0] ^= 1; return b })
				var m *model
				if p, m, _ = begin(t, disk); p.current == nil || p.current.Generation == p.newest {
					t.Fatalf("loaded is %+v, the newest %d is damaged", p.current, p.newest)
				}
				if m.diff(s.truth) == "" { // the newest was a compaction of that one
					d = s.next(t)
				}
				if _, err := p.Save(t.Context(), d); err != nil {
					t.Fatal(err)
				}
			}
			names, err := p.bucket.List(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			lists = append(lists, slices.Clone(names))
			for at, names := range lists {
				old := OpenTopic(listing{p.bucket, names}, "sdk-events", shardID.TopicID).Partition(shardID)
				m, loaded, err := load(t.Context(), old, newModel)
				switch {
				case errors.Is(err, ErrOldList):
					refused++
				case err != nil:
					t.Fatalf("seed %d: after save %d, listed as after save %d: %v", seed, i, at, err)
				case loaded.Generation != p.newest || m.diff(s.truth) != "":
					t.Fatalf("seed %d: after save %d, listed as after save %d: loaded is %d, want %d: %v", seed, i, at, loaded.Generation, p.newest, loaded.Skipped)
				default:
					found++
				}
			}
		}
		if found <= 24 || refused == 0 {
			t.Errorf("found %d times, refused %d", found, refused)
		}
	}
}

// A list from right after all checkpoints were lost is told from one that is new, once some of the next ones were removed; also beside
// a writer that died as it was about to remove.
func TestOldListsAfterLoss(t *testing.T) {
	for _, seed := range seeds(t, 3) {
		disk := sealedState()
		var lists [][]string
		believed := map[int]bool{}
		for loss := range 3 {
			p, _, loaded := begin(t, disk)
			if loaded.Generation != 0 {
				t.Fatalf("seed %d, loss %d: loaded is %d", seed, loss, loaded.Generation)
			}
			s := newScript(seed + uint64(loss))
			for i := range 12 {
				names, err := p.bucket.List(t.Context(), "")
				if err != nil {
					t.Fatal(err)
				}
				lists = append(lists, slices.Clone(names))
				if i == 2 && loss == 1 { // it died once it had noted that it would remove
					if err := p.pass(t.Context()); err != nil {
						t.Fatal(err)
					}
					p, _, _ = begin(t, disk)
				}
				if _, err := p.Save(t.Context(), s.next(t)); err != nil {
					t.Fatal(err)
				}
				for at, names := range lists {
					old := OpenTopic(listing{p.bucket, names}, "sdk-events", shardID.TopicID).Partition(shardID)
					generations, newest, err := old.generations(t.Context())
					if errors.Is(err, ErrOldList) {
						continue
					}
					if err != nil || newest != p.newest || generations[0] != newest {
						t.Fatalf("seed %d: save %d after loss %d, listed as before save %d: the newest is %d, want %d: %v", seed, i, loss, at, newest, p.newest, err)
					}
					believed[loss] = true
				}
			}
			names, err := p.bucket.List(t.Context(), p.folder)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				if strings.HasSuffix(name, manifestSuffix) || strings.HasSuffix(name, segmentSuffix) {
					if err := p.bucket.Delete(t.Context(), name); err != nil {
						t.Fatal(err)
					}
				}
			}
			if lost, _, loaded := begin(t, disk); loaded.Generation != 0 || lost.newest != 0 {
				t.Fatalf("seed %d: after loss %d %d is loaded", seed, loss, loaded.Generation)
			}
		}
		if len(believed) != 3 {
			t.Errorf("seed %d: lists were believed after losses %v only", seed, believed)
		}
	}
}
