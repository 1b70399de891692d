package endtoend

import (
	"os"
	"path/filepath"
	"testing"
)

// TestFullDisk: an embedded broker whose disk is full for one partition says so and ends, and with it the command that brings it. An
// `ingest load` that met it sends again what was not acknowledged, once the broker is back: no device is lost.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	onEmbedded(t)
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("this system has no /dev/full")
	}
	s := bareSite(t, oneAccount, nil)
	s.withoutGroup()
	s.ok("ingest", "init")
	const devices = 3_000
	file := s.file("some.ndjson", opens("one", "2025-03-02T00:00:00Z", 0, devices))
	partition := s.path(filepath.Join("data", "kafka", "partitions", s.topic+"-1"))
	fill := func() (empty func()) {
		if err := os.MkdirAll(partition, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("/dev/full", filepath.Join(partition, "0.dat")); err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := os.RemoveAll(partition); err != nil {
				t.Fatal(err)
			}
		}
	}

	s.startBroker()
	empty := fill() // not before: a broker that starts would read it to its end
	load := s.start("ingest", "load", file)
	broker := s.broker
	s.broker = nil // it ends by itself
	r := broker.wait()
	if r.says(t, "the embedded broker has failed", "mend the disk and start again"); r.code != 3 {
		t.Errorf("the broker ended with %d", r.code)
	}
	empty()
	s.startBroker()
	if r := load.wait(); r.code != 0 {
		t.Fatalf("load ended with %d: %s", r.code, cut(r.stderr))
	}
	s.ok("ingest", "run", "--until-end")
	s.ok("rollup", "close", "--month", "2025-03")
	got := decode[usage](t, s.ok("rollup", "usage", "--month", "2025-03", "--json"))
	if n := got.Usage[0].Kinds["open"].Exact; n != devices {
		t.Errorf("%d devices, want %d", n, devices)
	}
	s.ok("rollup", "verify", "--month", "2025-03")
}
