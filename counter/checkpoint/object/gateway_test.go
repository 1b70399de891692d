package object_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"headcount/counter/checkpoint"
	"headcount/counter/checkpoint/object"
	"headcount/counter/checkpoint/object/objecttest"
)

// On a real server that is killed again and again, one of those who create a name does and knows it, and what was promised is there.
func TestGateway(t *testing.T) {
	g := objecttest.StartGateway(t)
	var stores []*object.Store
	for range 8 {
		s, err := object.Open(t.Context(), g.State("some/prefix"), object.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		stores = append(stores, s)
	}
	if err := stores[0].Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	const rounds = 40
	won := map[string]string{}
	for round := range rounds {
		name := fmt.Sprintf("t/%03d", round)
		var wg sync.WaitGroup
		errs := make([]error, len(stores))
		for i, s := range stores {
			wg.Go(func() { errs[i] = create(t.Context(), s, name, fmt.Sprint(i)) })
		}
		if round%8 == 7 {
			time.Sleep(time.Duration(round) * time.Millisecond / 4)
			g.Kill()
			g.Start()
		}
		wg.Wait()
		for i, err := range errs {
			if err == nil && won[name] != "" {
				t.Errorf("%s: %s and %d won", name, won[name], i)
			}
			if err == nil {
				won[name] = fmt.Sprint(i)
			} else if !errors.Is(err, checkpoint.ErrExists) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	names, err := stores[0].List(t.Context(), "t/")
	if err != nil || len(names) != rounds || !slices.IsSorted(names) {
		t.Errorf("%d names, %v", len(names), err)
	}
	for _, name := range names {
		if got := content(t, stores[1], name); got != won[name] {
			t.Errorf("%s holds %q, of those who made it %q was told so", name, got, won[name])
		}
	}
	large := strings.Repeat("0123456789abcdef", 2<<20) // 32 MiB
	if err := create(t.Context(), stores[0], "large", large); err != nil {
		t.Fatal(err)
	}
	if content(t, stores[1], "large") != large {
		t.Error("a large object came back otherwise")
	}
	if is, err := stores[0].Has(t.Context(), "nothing"); is || err != nil {
		t.Errorf("Has of nothing: %v, %v", is, err)
	}
	if _, err := stores[0].Open(t.Context(), "nothing/at/all"); !errors.Is(err, checkpoint.ErrNotFound) {
		t.Errorf("open of nothing: %v", err)
	}
	another, err := object.Open(t.Context(), strings.Replace(g.State(""), objecttest.Bucket, "another", 1), object.Config{Patience: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := another.Has(t.Context(), "x"); !errors.As(err, new(*object.RefusedError)) {
		t.Errorf("a bucket that is not there: %v", err)
	}
}
