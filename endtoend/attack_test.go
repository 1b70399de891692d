package endtoend

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"headcount/events"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// one account, billed by the opened devices of its app.
const openAccount = `accounts:
  - {id: acme, apps: [a1], plan: tcsas/professional, from: 2025-01-01}
`

// devices makes an event of a1 for each of n devices, from a number on.
func devices(from, n int, at string) (records []record) {
	for i := range n {
		records = append(records, event("miniprogram.open", "a1", fmt.Sprintf("device-%d", from+i), at))
	}
	return records
}

// mau is what the only app of a document was counted as.
func mau(t *testing.T, u usage) (exact, events int) {
	t.Helper()
	if len(u.Usage) != 1 || len(u.Usage[0].Meters) != 1 {
		t.Fatalf("not one app with one meter: %+v", u)
	}
	return u.Usage[0].Meters[0].Exact, u.Usage[0].Events
}

func wantMAU(t *testing.T, u usage, exact int) {
	t.Helper()
	if got, events := mau(t, u); got != exact || events != exact {
		t.Errorf("%s: %d devices in %d events, want %d in %d", u.Month, got, events, exact, exact)
	}
}

// remove removes what a pattern names in the site's folder.
func (s *site) remove(pattern string) {
	s.Helper()
	for _, name := range s.files(pattern) {
		if err := os.RemoveAll(name); err != nil {
			s.Fatal(err)
		}
	}
}

func (s *site) admin() *kadm.Client {
	s.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(s.addr))
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(c.Close)
	return kadm.NewClient(c)
}

// deleteTopic deletes a topic, and returns when the broker does not know it any more.
func (s *site) deleteTopic(name string) {
	s.Helper()
	admin := s.admin()
	if _, err := admin.DeleteTopic(s.Context(), name); err != nil {
		s.Fatal(err)
	}
	s.waitFor("the topic deleted", func() bool {
		topics, err := admin.ListTopics(s.Context(), name)
		if err != nil {
			s.Fatal(err)
		}
		return errors.Is(topics[name].Err, kerr.UnknownTopicOrPartition)
	})
}

// deleteBefore deletes a partition's records below an offset.
func (s *site) deleteBefore(partition events.Partition, offset int64) {
	s.Helper()
	o := kadm.Offsets{}
	o.AddOffset(s.topic, int32(partition), offset, -1)
	if r, err := s.admin().DeleteRecords(s.Context(), o); err != nil || r.Error() != nil {
		s.Fatal(err, r.Error())
	}
}

// checkpointed waits until the partitions of some sealed months have checkpoints past their seals. Before, the month is not to be
// lost: a checkpoint depends on it.
func (s *site) checkpointed(month string, indexes ...string) {
	s.Helper()
	for _, index := range indexes {
		s.waitFor("a checkpoint past the seal", func() bool { return s.lastSealed(filepath.Dir(filepath.Dir(index))) == month })
	}
}

// lastSealed is the month that a partition's newest checkpoint has sealed.
func (s *site) lastSealed(partition string) string {
	s.Helper()
	manifests, _ := filepath.Glob(filepath.Join(partition, "checkpoint/*.manifest"))
	if len(manifests) == 0 {
		return ""
	}
	text, err := os.ReadFile(slices.Max(manifests))
	if errors.Is(err, fs.ErrNotExist) {
		return "" // there is a newer one
	}
	if err != nil {
		s.Fatal(err)
	}
	var m struct{ State struct{ Sealed string } }
	if err := json.Unmarshal([]byte(strings.Split(string(text), "\n")[1]), &m); err != nil {
		s.Fatal(err)
	}
	return m.State.Sealed
}

// A sealed month that is lost or damaged is counted again from the log and put back, whoever reads the partition meanwhile.
func TestLostSealedMonth(t *testing.T) {
	t.Parallel()
	s := newSite(t, openAccount, nil)
	s.send(nil, devices(0, 100, "2025-03-10T10:00:00Z"))
	ingest := s.start("ingest", "run", "--instance", "one")
	s.ok("rollup", "close", "--month", "2025-03")
	s.send(nil, append(devices(0, 50, "2025-04-10T10:00:00Z"), devices(100, 7, "2025-03-11T10:00:00Z")...))
	indexes, _ := filepath.Glob(s.path("data/state/*/*/*/sealed/2025-03.index"))
	s.checkpointed("2025-03", indexes...)
	s.remove("data/state/*/*/1/sealed/2025-03.index")
	s.remove("data/state/*/*/2/sealed/2025-03-*.data")
	data, _ := filepath.Glob(s.path("data/state/*/*/3/sealed/2025-03-*.data"))
	text, err := os.ReadFile(data[0])
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 4
	if err := os.WriteFile(data[0], text, 0o644); err != nil {
		t.Fatal(err)
	}
	closed := decode[usage](t, s.ok("rollup", "close", "--month", "2025-04", "--json"))
	wantMAU(t, closed, 50)
	if late := closed.late("a1", "2025-03"); late != 7 {
		t.Errorf("%d devices late, want 7", late)
	}

	// The month that is being closed, past whose seal a running process has counted.
	s.send(nil, devices(0, 30, "2025-05-10T10:00:00Z"))
	var sealed []string // not every partition may have its seal when the close is killed
	c := s.start("rollup", "close", "--month", "2025-05")
	s.waitFor("a sealed partition", func() bool {
		sealed, _ = filepath.Glob(s.path("data/state/*/*/*/sealed/2025-05.index"))
		return len(sealed) > 0 || !c.running()
	})
	c.kill()
	if r := s.run("rollup", "usage", "--month", "2025-05"); r.code != 1 {
		t.Skip("the close was quicker than the test")
	}
	for _, index := range sealed {
		s.checkpointed("2025-05", index)
		if err := os.Remove(index); err != nil {
			t.Fatal(err)
		}
	}
	wantMAU(t, decode[usage](t, s.ok("rollup", "close", "--month", "2025-05", "--json", "--timeout", "4m")), 30)
	if r := ingest.terminate(); r.code != 0 {
		t.Errorf("ingest run ended with %d: %s", r.code, cut(r.stderr))
	}
}

// A month of which the log no longer holds all is not counted again, and what was counted of it stays.
func TestRecountWithoutLog(t *testing.T) {
	t.Parallel()
	s := newSite(t, openAccount, nil)
	s.send(nil, devices(0, 100, "2025-03-10T10:00:00Z"))
	s.ok("ingest", "run", "--until-end")
	s.deleteBefore(2, 1)
	s.want(1, "ingest", "recount", "--month", "2025-03").says(t, "partition 2 begins at offset 1", "2025-03 cannot be counted again", "its present counts stay")
	s.ok("ingest", "run", "--until-end")
	wantMAU(t, decode[usage](t, s.ok("rollup", "close", "--month", "2025-03", "--json")), 100)
}

// A log that was cut, and has grown past it again, is not counted again as if it were whole: first the loss is put on record.
func TestRecountOfACutLog(t *testing.T) {
	onEmbedded(t)
	t.Parallel()
	s := newSite(t, openAccount, nil)
	s.send(nil, devices(0, 100, "2025-03-10T10:00:00Z"))
	s.ok("ingest", "run", "--until-end")
	cut := s.cutLater()
	s.send(nil, devices(100, 50, "2025-03-11T10:00:00Z"))
	s.ok("ingest", "run", "--until-end")
	cut()
	s.send(nil, devices(150, 100, "2025-03-12T10:00:00Z"))
	s.want(1, "ingest", "recount", "--month", "2025-03").says(t, "--accept-gap", "2025-03 counted again would not show what was lost")
	s.want(0, "ingest", "run", "--until-end", "--accept-gap").says(t, "loss accepted")
	s.ok("ingest", "recount", "--month", "2025-03")
	closed := decode[usage](t, s.want(1, "rollup", "close", "--month", "2025-03", "--json").stdout)
	wantMAU(t, closed, 200)
	if v := closed.Invoices[0]; v.Status != "held" || !strings.Contains(v.Reason, "replaced after it was counted") {
		t.Errorf("the invoice is %s: %s", v.Status, v.Reason)
	}
	s.verify(0, "--month", "2025-03")
}

// A sealed month that the log cannot give again is refused by name.
func TestLostSealedMonthWithoutLog(t *testing.T) {
	t.Parallel()
	s := newSite(t, openAccount, nil)
	s.send(nil, devices(0, 100, "2025-03-10T10:00:00Z"))
	s.ok("rollup", "close", "--month", "2025-03")
	s.deleteBefore(1, 5)
	s.remove("data/state/*/*/1/sealed/2025-03.index")
	s.want(1, "rollup", "close", "--month", "2025-04").says(t, "partition 1", "2025-03", "backup")
}

// A process whose partitions a close has counted meanwhile goes on from there.
func TestCloseBesideSlowReader(t *testing.T) {
	if testing.Short() {
		t.Skip("waits ten seconds for a reader without a group")
	}
	t.Parallel()
	s := newSite(t, openAccount, nil)
	s.withoutGroup()
	s.send(nil, devices(0, 100, "2025-03-10T10:00:00Z"))
	ingest := s.start("ingest", "run")
	time.Sleep(2 * time.Second)
	ingest.cmd.Process.Signal(syscall.SIGSTOP)
	s.send(nil, devices(100, 100, "2025-03-11T10:00:00Z"))
	wantMAU(t, decode[usage](t, s.ok("rollup", "close", "--month", "2025-03", "--json")), 200)
	ingest.cmd.Process.Signal(syscall.SIGCONT)
	s.send(nil, devices(0, 50, "2025-04-10T10:00:00Z"))
	time.Sleep(3 * time.Second)
	if !ingest.running() {
		t.Fatalf("ingest run ended: %s", cut(ingest.stderr.String()))
	}
	wantMAU(t, decode[usage](t, s.ok("rollup", "close", "--month", "2025-04", "--json")), 50)
	if r := ingest.terminate(); r.code != 0 {
		t.Errorf("ingest run ended with %d: %s", r.code, cut(r.stderr))
	}
}

// A transaction that hangs keeps a close waiting, quietly, and is named when it gives up.
func TestCloseBehindOpenTransaction(t *testing.T) {
	t.Parallel()
	s := newSite(t, openAccount, nil)
	s.send(nil, devices(0, 20, "2025-03-10T10:00:00Z"))
	commit := s.openTransaction(devices(20, 1, "2025-03-10T10:00:00Z")[0])
	var r result
	for _, limit := range []string{"4s", "16s", "64s"} { // a slow machine has not sealed the others in four seconds
		r = s.want(3, "rollup", "close", "--month", "2025-03", "--timeout", limit)
		r.says(t, "waited "+limit+" for partitions ")
		if n := strings.Count(r.stderr, "\n"); n > 100 {
			t.Errorf("it waited with %d lines:\n%s", n, cut(r.stderr))
		}
		if strings.Contains(r.stderr, "partitions 1 of") && strings.Contains(r.stderr, "transaction") {
			break
		}
	}
	r.says(t, " for partitions 1 of 2025-03", "open transaction in partition 1")
	commit()
	wantMAU(t, decode[usage](t, s.ok("rollup", "close", "--month", "2025-03", "--json")), 21)
}

// Checkpoints are lost, and the log no longer holds the seals of closed months: with the gap accepted the books go on from what
// the store has sealed, and the month that may miss events is held.
func TestGapThatTookSeals(t *testing.T) {
	t.Parallel()
	s := newSite(t, openAccount, nil)
	var march, april usage
	s.send(nil, devices(0, 100, "2025-03-10T10:00:00Z"))
	march = decode[usage](t, s.ok("rollup", "close", "--month", "2025-03", "--json"))
	s.send(nil, devices(0, 80, "2025-04-10T10:00:00Z"))
	april = decode[usage](t, s.ok("rollup", "close", "--month", "2025-04", "--json"))
	s.send(nil, append(devices(0, 60, "2025-05-10T10:00:00Z"), devices(80, 9, "2025-04-11T10:00:00Z")...))
	s.deleteBefore(0, int64(march.Sealed[0].Offset)-1) // before any seal
	s.deleteBefore(1, int64(march.Sealed[1].Offset)+2) // in April
	s.deleteBefore(2, int64(april.Sealed[2].Offset)+1) // before May
	s.remove("data/state/*/*/*/checkpoint")
	s.want(1, "ingest", "run", "--until-end").says(t, "--accept-gap")
	s.ok("ingest", "run", "--until-end", "--accept-gap")
	closed := decode[usage](t, s.want(1, "rollup", "close", "--month", "2025-05", "--json", "--timeout", "4m").stdout)
	wantMAU(t, closed, 60)
	if late := closed.late("a1", "2025-04"); late != 9 {
		t.Errorf("%d devices late, want 9", late)
	}
	if v := closed.Invoices[0]; v.Status != "held" || !strings.Contains(v.Reason, "lost") {
		t.Errorf("the invoice is %s: %s", v.Status, v.Reason)
	}
}

// What was sealed is lost with the log that held it: a close says so, and does not wait for ever.
func TestSealThatIsNotFollowed(t *testing.T) {
	t.Parallel()
	s := newSite(t, openAccount, nil)
	s.send(nil, devices(0, 100, "2025-03-10T10:00:00Z"))
	march := decode[usage](t, s.ok("rollup", "close", "--month", "2025-03", "--json"))
	s.send(nil, devices(0, 80, "2025-04-10T10:00:00Z"))
	s.deleteBefore(1, int64(march.Sealed[1].Offset)+2)
	s.remove("data/state/*/*/1/*")
	s.ok("ingest", "run", "--until-end", "--accept-gap")
	s.want(1, "rollup", "close", "--month", "2025-04").says(t, "partition 1", "past the seal of 2025-04", "follows 2025-03")
}

// Without a dead-letter topic a process that is told to stop stops, says that it could not finish, and nothing is lost.
func TestStopWithoutDeadLetters(t *testing.T) {
	t.Parallel()
	s := newSite(t, openAccount, nil)
	ingest := s.start("ingest", "run", "--instance", "one")
	s.send(nil, devices(0, 10, "2025-03-10T10:00:00Z"))
	s.waitFor("a checkpoint", func() bool {
		found, _ := filepath.Glob(s.path("data/state/*/*/*/checkpoint/*.manifest"))
		return len(found) > 0
	})
	s.deleteTopic(s.topic + ".dead")
	bad := record{partition: 2}
	bad.Value, bad.Timestamp = []byte("no event"), time.Now().UnixMilli()
	s.send(nil, []record{bad})
	s.waitFor("a dead letter that cannot be written", func() bool { return strings.Contains(ingest.stderr.String(), "dead letters cannot be written") })
	if r := ingest.terminate(); r.code == 0 {
		t.Errorf("ended with 0: %s", cut(r.stderr))
	}
	s.ok("ingest", "init")
	s.ok("ingest", "run", "--until-end", "--instance", "one")
	offsets, err := s.admin().ListEndOffsets(t.Context(), s.topic+".dead")
	if err != nil {
		t.Fatal(err)
	}
	dead := int64(0)
	offsets.Each(func(o kadm.ListedOffset) { dead += o.Offset })
	if dead != 1 {
		t.Errorf("%d dead letters, want 1", dead)
	}
	closed := decode[usage](t, s.ok("rollup", "close", "--month", "2025-03", "--json"))
	wantMAU(t, closed, 10)
	if closed.Rejected != 1 {
		t.Errorf("%d rejected, want 1", closed.Rejected)
	}
}

// A log that was replaced where it was counted stops its partition; with the loss accepted it goes on, and the month is held.
func TestReplacedLog(t *testing.T) {
	onEmbedded(t)
	t.Parallel()
	s := newSite(t, openAccount, nil)
	s.send(nil, devices(0, 100, "2025-03-10T10:00:00Z"))
	s.ok("ingest", "run", "--until-end")
	s.stopBroker()
	if err := os.CopyFS(s.path("old"), os.DirFS(s.path("data/kafka"))); err != nil {
		t.Fatal(err)
	}
	s.startBroker()
	s.send(nil, devices(1000, 100, "2025-03-10T10:00:00Z"))
	s.ok("ingest", "run", "--until-end")
	s.stopBroker()
	s.remove("data/kafka")
	if err := os.Rename(s.path("old"), s.path("data/kafka")); err != nil {
		t.Fatal(err)
	}
	s.startBroker()
	s.want(1, "ingest", "run", "--until-end").says(t, "was truncated or replaced")
	s.send(nil, devices(2000, 200, "2025-03-10T10:00:00Z"))
	s.want(1, "ingest", "run", "--until-end").says(t, "was truncated or replaced")
	s.ok("ingest", "run", "--until-end", "--accept-gap")
	s.ok("ingest", "run", "--until-end")
	closed := decode[usage](t, s.want(1, "rollup", "close", "--month", "2025-03", "--json").stdout)
	if v := closed.Invoices[0]; v.Status != "held" || !strings.Contains(v.Reason, "replaced") {
		t.Errorf("the invoice is %s: %s", v.Status, v.Reason)
	}
}

// State that is lost after the GUID key was rotated comes back from the log: closed months under the key they were counted with.
func TestLostStateAfterRotation(t *testing.T) {
	t.Parallel()
	s := newSite(t, openAccount, nil)
	s.send(nil, devices(0, 40, "2025-03-10T10:00:00Z"))
	s.ok("rollup", "close", "--month", "2025-03")
	s.send(nil, devices(0, 50, "2025-04-10T10:00:00Z"))
	s.ok("rollup", "close", "--month", "2025-04")
	keys, err := os.ReadFile(s.path("data/guid.key"))
	if err != nil {
		t.Fatal(err)
	}
	s.write("data/guid.key", strings.TrimSpace(string(keys))+"\n00112233445566778899aabbccddeeff\n")
	s.send(nil, append(devices(0, 60, "2025-05-10T10:00:00Z"), devices(40, 20, "2025-04-10T10:00:00Z")...))
	s.remove("data/state")
	s.ok("ingest", "run", "--until-end")
	closed := decode[usage](t, s.ok("rollup", "close", "--month", "2025-05", "--json", "--timeout", "4m"))
	wantMAU(t, closed, 60)
	if late := closed.late("a1", "2025-04"); late != 10 {
		t.Errorf("%d devices late, want 10", late)
	}

	// Under rules that the configuration does not give again nothing is begun.
	s.remove("data/state")
	s.config["limits"] = "{record_bytes: 5000}"
	s.configure()
	s.want(1, "ingest", "run", "--until-end").says(t, "2025-05", "rules", "backup")
}
