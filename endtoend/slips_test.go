//go:build unix

package endtoend

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kadm"
)

// TestCheckMissesTheLedger: `ingest check` said that all was well with the ledger of closed months deleted.
func TestCheckMissesTheLedger(t *testing.T) {
	t.Parallel()
	onEmbedded(t)
	s := newSite(t, oneAccount, nil)
	s.send(nil, opens("one", "2025-03-05T10:00:00Z", 0, 10))
	if out := s.ok("ingest", "check"); !strings.Contains(out, "space ") || !strings.Contains(out, "state, ledger, broker's log: ") {
		t.Errorf("it does not say what is free:\n%s", out)
	}
	s.ok("rollup", "close", "--month", "2025-03")
	s.ok("ingest", "check")
	for _, name := range s.files("data/ledger.db*") {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if out := s.want(1, "ingest", "check").stdout; !strings.Contains(out, "ledger.db does not exist, but the state has months sealed, 2025-03 the newest") {
		t.Errorf("it does not say that the ledger is gone:\n%s", out)
	}
}

// TestStrangersInTheGroup: another program in the group, or a second installation, is named by `ingest check` and by the close, with client
// and host, and what it has is counted by the close, which waited for it without end.
func TestStrangersInTheGroup(t *testing.T) {
	t.Parallel()
	for what, join := range map[string]func(s *site) (name string){
		"another program": func(s *site) string {
			r := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{s.addr}, Topic: s.topic, GroupID: "g-" + s.topic, MaxWait: 100 * time.Millisecond,
				Dialer: &kafka.Dialer{ClientID: "somebody-else", Timeout: 10 * time.Second}})
			s.Cleanup(func() { r.Close() })
			if _, err := r.FetchMessage(s.Context()); err != nil {
				s.Fatal(err)
			}
			return "somebody-else"
		},
		"of another installation": func(s *site) string {
			other := bareSite(s.T, oneAccount, map[string]string{
				"kafka": fmt.Sprintf("{brokers: [%q], topic: %s, group: g-%s, producer_time: accept}", s.addr, s.topic, s.topic)})
			other.ok("ingest", "init")
			p := other.start("ingest", "run")
			s.waitFor("the other installation's counting", func() bool { return strings.Contains(p.stderr.String(), "first records counted") })
			return "headcount"
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, oneAccount, nil)
			s.send(nil, opens("one", "2025-03-05T10:00:00Z", 0, 100))
			name := join(s)
			out := s.want(1, "ingest", "check").stdout
			for _, says := range []string{"readers", what, "client " + name + " at 127.0.0.1", "kafka.group"} {
				if !strings.Contains(out, says) {
					t.Errorf("check does not say %q:\n%s", says, out)
				}
			}
			s.want(0, "rollup", "close", "--month", "2025-03", "--timeout", "60s").says(t, "a stranger is in the group", what, "client "+name+" at 127.0.0.1")
			s.ok("rollup", "verify", "--month", "2025-03")
		})
	}
}

// TestCloseObeysItsTimeout: with a broker that does not answer any more a close ends with its timeout, or when it is told to.
func TestCloseObeysItsTimeout(t *testing.T) {
	t.Parallel()
	onEmbedded(t)
	s := newSite(t, oneAccount, nil)
	s.send(nil, opens("one", "2025-03-05T10:00:00Z", 0, 10))
	s.ok("ingest", "run", "--until-end")
	if err := s.broker.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	s.want(3, "rollup", "close", "--month", "2025-03", "--timeout", "2s").says(t, "waited 2s")
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("with a timeout of 2s it took %s", took)
	}
	for _, line := range [][]string{{"rollup", "close", "--month", "2025-03"}, {"ingest", "run"}, {"ingest", "recount", "--month", "2025-03"}, {"rollup", "status"}, {"ingest", "check"}} {
		p := s.start(line...)
		time.Sleep(500 * time.Millisecond)
		began := time.Now()
		p.cmd.Process.Signal(syscall.SIGTERM)
		p.wait()
		if took := time.Since(began); took > 8*time.Second {
			t.Errorf("%s: told to end, it took %s", p.line, took)
		}
	}
	if err := s.broker.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	s.ok("rollup", "close", "--month", "2025-03")
}

// TestCloseAsksWhoReads: without a group a close counts at once where nobody reads, and leaves it to who does.
func TestCloseAsksWhoReads(t *testing.T) {
	t.Parallel()
	onEmbedded(t)
	s := bareSite(t, oneAccount, nil)
	s.withoutGroup()
	s.startBroker()
	s.ok("ingest", "init")
	s.send(nil, opens("one", "2025-03-05T10:00:00Z", 0, 10))
	began := time.Now()
	s.ok("rollup", "close", "--month", "2025-03")
	if took := time.Since(began); took > 9*time.Second { // it took eleven
		t.Errorf("nobody reads, and it took %s", took)
	}
	s.send(nil, opens("one", "2025-04-05T10:00:00Z", 0, 20))
	p := s.start("ingest", "run")
	s.waitFor("a reader", p.up)
	s.ok("rollup", "close", "--month", "2025-04")
	if r := p.terminate(); strings.Contains(r.stderr, "another process counts this partition too") {
		t.Errorf("somebody reads, and the close counts all the same:\n%s", cut(r.stderr))
	}
}

// TestClosesAtOnce: of closes at once without a broker one brings it, and keeps it while the others use it.
func TestClosesAtOnce(t *testing.T) {
	t.Parallel()
	onEmbedded(t)
	s := bareSite(t, oneAccount, nil)
	s.withoutGroup()
	s.ok("ingest", "init")
	for _, month := range []string{"2025-03", "2025-04", "2025-05"} {
		s.ok("ingest", "load", s.file(month+".ndjson", opens("one", month+"-05T10:00:00Z", 0, 2000)))
		var all []*process
		for range 4 {
			all = append(all, s.start("rollup", "close", "--month", month, "--json"))
		}
		began, stdout := time.Now(), ""
		for _, p := range all {
			r := p.wait()
			if r.code != 0 || stdout != "" && r.stdout != stdout {
				t.Errorf("%s: exit code %d\n%s\n%s", r.line, r.code, cut(r.stdout), cut(r.stderr))
			}
			stdout = r.stdout
		}
		if took := time.Since(began); took > 25*time.Second {
			t.Errorf("four closes at once took %s", took)
		}
		s.ok("rollup", "verify", "--month", month)
	}
}

// TestRecountWritesNoLetterTwice: what was a dead letter before is not written again.
func TestRecountWritesNoLetterTwice(t *testing.T) {
	t.Parallel()
	s := newSite(t, oneAccount, nil)
	bad := opens("one", "2025-03-02T00:00:00Z", 0, 20)
	for i := range bad {
		bad[i].Value = []byte("{")
	}
	s.send(nil, append(bad, opens("one", "2025-03-03T00:00:00Z", 0, 30)...))
	s.ok("ingest", "run", "--until-end")
	letters := func() int { return s.ended(s.topic + ".dead") }
	if n := letters(); n != 20 {
		t.Fatalf("%d dead letters", n)
	}
	s.config["events"] = "{types: {shop.opened: open}}"
	s.configure()
	s.ok("ingest", "recount", "--month", "2025-03")
	if n := letters(); n != 20 {
		t.Errorf("counted again, %d dead letters, want 20", n)
	}
	if u := decode[usage](t, s.ok("rollup", "status", "--month", "2025-03", "--json")); u.Rejected != 20 {
		t.Errorf("%d rejected", u.Rejected)
	}
}

// ended is how many records a topic ever had.
func (s *site) ended(topic string) (n int) {
	s.Helper()
	all, err := s.admin().ListEndOffsets(s.Context(), topic)
	if err != nil {
		s.Fatal(err)
	}
	all.Each(func(o kadm.ListedOffset) { n += int(o.Offset) })
	return n
}

// TestBrokerKilledUnderAClose: a close that waits, or counts, while its broker is killed ends with exit code 3, by its timeout at the latest.
func TestBrokerKilledUnderAClose(t *testing.T) {
	t.Parallel()
	onEmbedded(t)
	s := newSite(t, oneAccount, nil)
	s.send(nil, opens("one", "2025-03-05T10:00:00Z", 0, 10))
	reader := s.start("ingest", "run")
	s.waitFor("a reader", func() bool { return strings.Contains(reader.stderr.String(), "first records counted") })
	if err := reader.cmd.Process.Signal(syscall.SIGSTOP); err != nil { // it has the partitions, and does not count
		t.Fatal(err)
	}
	p := s.start("rollup", "close", "--month", "2025-03", "--timeout", "20s", "--verbose")
	s.waitFor("the seals", func() bool { return strings.Contains(p.stderr.String(), "seals written") })
	broker := s.broker
	s.broker = nil
	broker.kill()
	if r := p.wait(); r.code != 3 {
		t.Errorf("exit code %d\n%s", r.code, cut(r.stderr))
	}
	reader.kill()
	s.startBroker()
	s.ok("rollup", "close", "--month", "2025-03")
}
