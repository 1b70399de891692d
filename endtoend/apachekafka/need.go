package apachekafka

import (
	"errors"
	"os"
	"testing"
)

// Env names the variable that says which Kafka to use.
const Env = "HEADCOUNT_KAFKA"

// NeedOwn starts a broker that the test may kill and restart, whatever HEADCOUNT_KAFKA names. The test is skipped where the variable is
// not set, and where java or Maven is missing.
func NeedOwn(t testing.TB, c Config) *Kafka {
	t.Helper()
	if testing.Short() || os.Getenv(Env) == "" {
		t.Skip("starts Apache Kafka: make test-kafka, or set HEADCOUNT_KAFKA=start, without -short")
	}
	k, err := Start(t.Context(), c)
	if errors.Is(err, ErrUnavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	return k
}
