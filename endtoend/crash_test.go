package endtoend

import (
	"math/rand/v2"
	"testing"
	"time"

	"headcount/endtoend/naive"
)

// moments returns a source of random moments; the seed is printed, and -seed repeats it as far as processes can be repeated.
func moments(t *testing.T) *rand.Rand {
	t.Helper()
	n := *seed
	if n == 0 {
		n = rand.Uint64()
	}
	t.Logf("-seed %d", n)
	return rand.New(rand.NewPCG(n, 1))
}

func upTo(r *rand.Rand, d time.Duration) time.Duration { return time.Duration(r.Int64N(int64(d))) }

// rounds is how often processes are ended in a test.
func rounds() int {
	if testing.Short() {
		return 4
	}
	return 12
}

// Ingest that is ended at any moment, in good order or by a crash, counts each event once.
func TestIngestEndedAtRandomMoments(t *testing.T) {
	t.Parallel()
	r := moments(t)
	s := newSite(t, mixedAccounts, map[string]string{"billing": allOdd, "ingest": "{checkpoint_interval: 50ms}"})
	l := naive.New(time.UTC)
	records := generate(t, s.oddMonth("2025-03", 60_000))
	for i := range rounds() {
		p := s.start("ingest", "run", "--instance", "one")
		part := records[i*len(records)/rounds() : (i+1)*len(records)/rounds()]
		s.send(l, part)
		time.Sleep(upTo(r, 800*time.Millisecond))
		if !p.running() {
			t.Fatalf("ingest run ended by itself: %s", cut(p.stderr.String()))
		}
		if r.IntN(2) == 0 {
			p.kill()
		} else if e := p.terminate(); e.code != 0 {
			t.Errorf("ended with %d on SIGTERM: %s", e.code, cut(e.stderr))
		}
	}
	s.ok("ingest", "run", "--instance", "one", "--until-end")
	s.ok("rollup", "close", "--month", "2025-03")
	got := decode[usage](t, s.ok("rollup", "usage", "--month", "2025-03", "--json"))
	logged := 0
	for _, p := range got.Sealed {
		logged += p.Offset
	}
	if logged != len(records) {
		t.Errorf("%d records before the seals, %d were acknowledged: the broker lost some", logged, len(records))
	}
	compareListed(t, got, l.Close("2025-03"), mixedPlans)
}

// A process with the embedded broker in it loses nothing that was acknowledged.
func TestProcessWithBrokerKilled(t *testing.T) {
	onEmbedded(t)
	t.Parallel()
	r := moments(t)
	s := bareSite(t, mixedAccounts, map[string]string{"billing": allOdd, "ingest": "{checkpoint_interval: 50ms}"})
	s.withoutGroup()
	s.ok("ingest", "init")
	l := naive.New(time.UTC)
	records := generate(t, s.oddMonth("2025-03", 24_000))
	const times = 4
	for i := range times {
		p := s.start("ingest", "run")
		part := s.file("part.ndjson", records[i*len(records)/times:(i+1)*len(records)/times])
		s.waitFor("the broker in ingest run", func() bool {
			if !p.running() {
				t.Fatalf("ingest run ended by itself: %s", cut(p.stderr.String()))
			}
			return p.up()
		})
		s.ok("ingest", "load", part)
		for _, rec := range records[i*len(records)/times : (i+1)*len(records)/times] {
			l.Add(naive.Record{Value: rec.Value, Time: time.Now()})
		}
		time.Sleep(upTo(r, 300*time.Millisecond))
		p.kill()
	}
	s.ok("ingest", "run", "--until-end")
	s.ok("rollup", "close", "--month", "2025-03")
	got := decode[usage](t, s.ok("rollup", "usage", "--month", "2025-03", "--json"))
	compareListed(t, got, l.Close("2025-03"), mixedPlans)
}

// A close that is killed at any moment is finished by the next one, with the same numbers, and billed once.
func TestCloseKilledAtRandomMoments(t *testing.T) {
	t.Parallel()
	r := moments(t)
	s := newSite(t, mixedAccounts, map[string]string{"billing": allOdd, "ingest": "{checkpoint_interval: 50ms}"})
	l := naive.New(time.UTC)
	killed := 0
	for _, month := range []string{"2025-03", "2025-04", "2025-05"} {
		s.send(l, generate(t, s.oddMonth(month, 15_000)))
		ingest := s.start("ingest", "run", "--instance", "one")
		later := 30 * time.Millisecond
		for ended := false; !ended; later += later / 5 { // later each time, until one gets through
			c := s.start("rollup", "close", "--month", month)
			select {
			case <-c.ended:
				ended = true
			case <-time.After(upTo(r, later)):
				c.kill()
				killed++
			}
			if r.IntN(4) == 0 {
				ingest.kill()
				ingest = s.start("ingest", "run", "--instance", "one")
			}
		}
		closed := s.ok("rollup", "close", "--month", month, "--json")
		want := l.Close(month)
		got := decode[usage](t, closed)
		compareListed(t, got, want, mixedPlans)
		if len(got.Invoices) != 6 {
			t.Errorf("%s: %d invoices", month, len(got.Invoices))
		}
		if again := s.ok("rollup", "close", "--month", month, "--json"); again != closed {
			t.Errorf("%s: a further close prints something else", month)
		}
		ingest.terminate()
	}
	t.Logf("%d closes killed", killed)
	if killed == 0 {
		t.Error("no close was killed: the test saw nothing")
	}
}

// Two closes at once end alike.
func TestTwoCloses(t *testing.T) {
	t.Parallel()
	s := newSite(t, mixedAccounts, map[string]string{"billing": allOdd})
	l := naive.New(time.UTC)
	s.send(l, generate(t, s.oddMonth("2025-03", 15_000)))
	s.ok("ingest", "run", "--until-end")
	a := s.start("rollup", "close", "--month", "2025-03", "--json")
	b := s.start("rollup", "close", "--month", "2025-03", "--json")
	first, second := a.wait(), b.wait()
	if first.code != 0 || second.code != 0 {
		t.Fatalf("exit codes %d and %d:\n%s\n%s", first.code, second.code, cut(first.stderr), cut(second.stderr))
	}
	if first.stdout != second.stdout {
		t.Error("two closes printed different results")
	}
	compareListed(t, decode[usage](t, first.stdout), l.Close("2025-03"), mixedPlans)
}
