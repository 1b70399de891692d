package main

import (
	"runtime"
	"testing"
)

// TestStages runs what is measured, small: a restart finds the devices that were counted, a union those that were sealed.
func TestStages(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("measures threads as Linux does")
	}
	figures := func(r result, err error) map[string]float64 {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		byName := map[string]float64{}
		for _, f := range r {
			byName[f.Name] = f.Value
		}
		return byName
	}
	o := options{per: 3, apps: 3, every: 10_000, state: t.TempDir(), unite: 2}
	counted := figures(count(t.Context(), o, 20_000))
	restored := figures(restore(t.Context(), o, 20_000))
	if n := counted["devices counted"]; n < 5_000 || restored["restart: devices"] != n {
		t.Errorf("%v devices counted, %v restored", n, restored["restart: devices"])
	}
	if counted["CPU per event, ns"] <= 0 || counted["written by checkpoints, B a device"] <= 16 {
		t.Errorf("measured: %v", counted)
	}
	o.state = t.TempDir()
	figures(sealMonths(t.Context(), o, 10_000))
	if united := figures(unite(t.Context(), o, 10_000)); united["devices united"] != 10_000 {
		t.Errorf("united: %v", united)
	}
}
