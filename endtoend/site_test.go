package endtoend

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"headcount/endtoend/apachekafka"
	"headcount/endtoend/port"
	"headcount/endtoend/reporter"
	"headcount/events/signed"
)

// patience is how long a test waits for what must happen. It only ends what hangs: no machine may be too slow for it.
const patience = 5 * time.Minute

// site is a folder with a configuration, and a broker that its commands talk to.
type site struct {
	*testing.T
	dir    string
	addr   string
	topic  string
	config map[string]string // top-level fields of headcount.yaml, raw YAML
	asks   bool              // the first close is not told to open the books, whatever older events were made
	broker *process          // embedded; nil: Apache Kafka, or down

	processes []*process // all that were started
}

// newSite makes a site, ready to count: broker, topic and keys are there. accounts is the text of accounts.yaml.
func newSite(t *testing.T, accounts string, fields map[string]string) *site {
	t.Helper()
	s := bareSite(t, accounts, fields)
	s.startBroker()
	s.ok("ingest", "init")
	return s
}

// bareSite makes the files alone.
func bareSite(t *testing.T, accounts string, fields map[string]string) *site {
	t.Helper()
	s := &site{T: t, dir: folder(t), addr: kafkaAddr, topic: "events-" + strings.ToLower(rand.Text()[:10])}
	embedded := ", producer_time: accept" // records have the timestamps that a test gives them
	if s.addr == "" {
		s.addr = freeAddr(t)
		embedded = ", embedded: {data_dir: data/kafka, partitions: 4}"
	}
	// In a group a close sees at once that nobody reads; without one it would wait ten seconds in every test.
	s.config = map[string]string{
		"kafka":  fmt.Sprintf("{brokers: [%q], topic: %s, group: g-%s, session_timeout: 6s%s}", s.addr, s.topic, s.topic, embedded),
		"ingest": "{checkpoint_interval: 300ms}",
	}
	for name, value := range fields {
		s.config[name] = value
	}
	s.configure()
	s.write("accounts.yaml", accounts)
	return s
}

// folder makes a folder for a test, which is kept, with the output of every process, when the test fails and HEADCOUNT_KEEP is
// set.
func folder(t *testing.T) string {
	t.Helper()
	if os.Getenv("HEADCOUNT_KEEP") == "" {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp("", "headcount-kept-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("kept: %s", dir)
		} else {
			os.RemoveAll(dir)
		}
	})
	return dir
}

// onEmbedded skips a test that is about the embedded broker.
func onEmbedded(t *testing.T) {
	t.Helper()
	if kafkaAddr != "" {
		t.Skip("about the embedded broker")
	}
}

// freeAddr is where nobody listens who is not told to, until the test ends.
func freeAddr(t *testing.T) string {
	t.Helper()
	k, err := port.Keep()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k.Addr
}

// withoutGroup takes the group out of the configuration: whoever counts reads every partition.
func (s *site) withoutGroup() {
	s.Helper()
	s.config["kafka"] = strings.Replace(s.config["kafka"], "group: g-"+s.topic, `group: ""`, 1)
	s.configure()
}

// configure writes headcount.yaml.
func (s *site) configure() {
	s.Helper()
	var b strings.Builder
	for _, name := range []string{"billing", "kafka", "ingest", "events", "limits", "reporters", "state", "ledger", "ledger_password_file", "catalog", "issuer", "accounts"} {
		if v, ok := s.config[name]; ok {
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	s.write("headcount.yaml", b.String())
}

// reporters names those who may report quantities in the configuration, each of all meters and all apps, and writes their keys.
func (s *site) reporters(ids ...string) {
	s.Helper()
	text, err := reporter.Files(s.dir, ids...)
	if err != nil {
		s.Fatal(err)
	}
	s.config["reporters"] = strings.TrimSuffix(strings.TrimPrefix(text, "reporters:"), "\n")
	s.configure()
}

// sealKey is the public key that the site's seals are checked with, and its quantities are signed to.
func (s *site) sealKey() ed25519.PublicKey {
	s.Helper()
	key, err := signed.LoadSealPublicKey(s.path("data/seal.pub"))
	if err != nil {
		s.Fatal(err)
	}
	return key
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

func (s *site) write(name, text string) {
	s.Helper()
	if err := os.WriteFile(s.path(name), []byte(text), 0o644); err != nil {
		s.Fatal(err)
	}
}

// startBroker starts the embedded broker as a process of its own and waits until it is up.
func (s *site) startBroker() {
	s.Helper()
	if kafkaAddr != "" {
		return
	}
	s.broker = s.start("ingest", "broker")
	broker := s.broker
	ended := func() bool {
		if s.broker != broker || broker.running() {
			return false
		}
		s.Errorf("the embedded broker ended by itself: %v\n%s", broker.cmd.ProcessState, cut(broker.stderr.String()))
		return true
	}
	s.Cleanup(func() { ended() })
	s.waitFor("the embedded broker", func() bool {
		if ended() {
			s.FailNow()
		}
		return broker.up()
	})
}

// stopBroker ends the embedded broker.
func (s *site) stopBroker() {
	s.Helper()
	if s.broker != nil {
		s.broker.terminate()
		s.broker = nil
	}
}

// waitFor waits for a condition.
func (s *site) waitFor(what string, done func() bool) {
	s.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			if s.broker != nil {
				s.Logf("broker: %s", s.broker.stderr.String())
			}
			s.Fatalf("%s: not after %v", what, patience)
		}
	}
}

// result is how a command ended.
type result struct {
	line           string
	code           int
	stdout, stderr string
}

// run runs a command to its end: a program's name, then its arguments.
func (s *site) run(args ...string) result {
	s.Helper()
	p := s.start(args...)
	return p.wait()
}

// ok runs a command that must succeed and returns what it prints.
func (s *site) ok(args ...string) string {
	s.Helper()
	return s.want(0, args...).stdout
}

// want runs a command that must end with an exit code.
func (s *site) want(code int, args ...string) result {
	s.Helper()
	r := s.run(args...)
	if r.code != code {
		s.Fatalf("%s: exit code %d, want %d\nstdout: %s\nstderr: %s", r.line, r.code, code, cut(r.stdout), cut(r.stderr))
	}
	return r
}

// says checks that each text is in the error output.
func (r result) says(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.stderr, text) {
			t.Errorf("%s: the message does not say %q:\n%s", r.line, text, cut(r.stderr))
		}
	}
}

func cut(s string) string {
	if len(s) > 3000 {
		return s[:1000] + "\n…\n" + s[len(s)-2000:]
	}
	return s
}

// decode reads a command's JSON.
func decode[T any](t *testing.T, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("not the JSON expected: %v\n%s", err, cut(text))
	}
	return v
}

// process is a command that runs.
type process struct {
	t              *testing.T
	cmd            *exec.Cmd
	line           string
	stdout, stderr apachekafka.Output
	ended          chan struct{}
}

// start starts a command in the site's folder.
func (s *site) start(args ...string) *process {
	s.Helper()
	if !s.asks && len(args) > 1 && args[0] == "rollup" && args[1] == "close" {
		args = append(args[:len(args):len(args)], "--open-books")
	}
	p := &process{t: s.T, line: strings.Join(args, " "), ended: make(chan struct{})}
	p.cmd = exec.Command(filepath.Join(binaries, args[0]), args[1:]...)
	p.cmd.Dir = s.dir
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		s.Fatal(err)
	}
	go func() {
		p.cmd.Wait()
		close(p.ended)
	}()
	s.processes = append(s.processes, p)
	log := s.path(fmt.Sprintf("%03d-%s.log", len(s.processes), args[0]+"-"+args[min(1, len(args)-1)]))
	s.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.ended
		if s.Failed() {
			os.WriteFile(log, fmt.Appendf(nil, "$ %s\n%s%s\n%v\n", p.line, p.stderr.Bytes(), p.stdout.Bytes(), p.cmd.ProcessState), 0o644)
		}
	})
	return p
}

// wait waits for the end; a command that does not end is killed and fails the test.
func (p *process) wait() result {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.cmd.Process.Kill()
		<-p.ended
		p.t.Fatalf("%s: still runs after %v\nstderr: %s", p.line, patience, cut(p.stderr.String()))
	}
	if text := p.stderr.String(); strings.Contains(text, "DATA RACE") || strings.Contains(text, "panic: ") {
		p.t.Errorf("%s: %s", p.line, cut(text)) // whatever its exit code is
	}
	return result{p.line, p.cmd.ProcessState.ExitCode(), p.stdout.String(), p.stderr.String()}
}

// up says whether a process that goes on until it is stopped has begun with what it does. Before, a signal is an interruption.
func (p *process) up() bool {
	text := p.stderr.String()
	return strings.Contains(text, "msg=counting") || strings.Contains(text, "msg=collecting") || strings.Contains(text, "embedded broker is up")
}

// terminate asks the process to end, once it is up; it must do so in good order.
func (p *process) terminate() result {
	p.t.Helper()
	for deadline := time.Now().Add(patience); p.running() && !p.up() && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	return p.wait()
}

// kill ends the process as a crash would.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}
