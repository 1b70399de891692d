package broker

import (
	"errors"
	"testing"
)

func TestBrokerRefusesAddressForNobody(t *testing.T) {
	for _, addr := range []string{":9092", "0.0.0.0:9092", "[::]:9092", "nonsense"} {
		if b, err := Start(t.Context(), Config{Addr: addr, DataDir: t.TempDir()}); err == nil {
			b.Close()
			t.Errorf("%q was taken", addr)
		}
	}
}

// TestOneBrokerAFolder: a second is refused while the first runs, and not after.
func TestOneBrokerAFolder(t *testing.T) {
	c := Config{Addr: "127.0.0.1:0", DataDir: t.TempDir(), NoSync: true}
	first, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := Start(t.Context(), c); !errors.Is(err, ErrRunning) {
		if err == nil {
			b.Close()
		}
		t.Errorf("a second broker over the folder: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := Start(t.Context(), c)
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}
