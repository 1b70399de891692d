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

// TestBrokerStaysOnThisMachine: whoever reaches it writes events, so it is reached from elsewhere only on purpose.
func TestBrokerStaysOnThisMachine(t *testing.T) {
	for addr, local := range map[string]bool{
		"127.0.0.1:9092": true, "127.8.8.8:9092": true, "[::1]:9092": true, "localhost:9092": true,
		"192.0.2.1:9092": false, "[2001:db8::1]:9092": false, "kafka.example:9092": false, "localhost.example:9092": false, "127.0.0.1": false,
	} {
		if Local(addr) != local {
			t.Errorf("Local(%q) is %t", addr, !local)
		}
	}
	for _, addr := range []string{"192.0.2.1:9092", "kafka.example:9092"} {
		if b, err := Start(t.Context(), Config{Addr: addr, DataDir: t.TempDir()}); !errors.Is(err, ErrExposed) {
			if err == nil {
				b.Close()
			}
			t.Errorf("%q: %v", addr, err)
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
