package endtoend

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
)

// says checks that a verification names something, in a difference or a note.
func (v *verified) says(t *testing.T, texts ...string) {
	t.Helper()
	all := fmt.Sprint(v.Differences, v.Notes)
	for _, text := range texts {
		if !strings.Contains(all, text) {
			t.Errorf("the report does not say %q: %s", text, cut(all))
		}
	}
}

// files are those that a pattern names in the site's folder; there is one at least.
func (s *site) files(pattern string) []string {
	s.Helper()
	names, err := filepath.Glob(s.path(pattern))
	if err != nil || len(names) == 0 {
		s.Fatalf("nothing is called %s: %v", pattern, err)
	}
	return names
}

// openTransaction sends a record to partition 1 in a transaction, which hangs until what is returned commits it.
func (s *site) openTransaction(r record) (commit func()) {
	s.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(s.addr), kgo.DefaultProduceTopic(s.topic), kgo.TransactionalID("t-"+s.topic),
		kgo.TransactionTimeout(2*patience), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(c.Close)
	if err := c.BeginTransaction(); err != nil {
		s.Fatal(err)
	}
	if err := c.ProduceSync(s.Context(), &kgo.Record{Partition: 1, Key: r.Key, Value: r.Value}).FirstErr(); err != nil {
		s.Fatal(err)
	}
	return func() {
		s.Helper()
		if err := c.EndTransaction(s.Context(), kgo.TryCommit); err != nil {
			s.Fatal(err)
		}
		c.Close()
	}
}

// sealedOnly seals March in every partition and leaves its close unfinished: it waits behind an open transaction, and counting
// goes on when it has given up.
func (s *site) sealedOnly() {
	s.Helper()
	commit := s.openTransaction(devices(0, 1, "2025-03-10T10:00:00Z")[0])
	s.want(3, "rollup", "close", "--month", "2025-03", "--timeout", "10s")
	commit()
	s.waitFor("every partition sealed", func() bool { // the broker may decide on the transaction a moment later
		s.ok("ingest", "run", "--until-end")
		return len(s.files("data/state/*/*/*/sealed/2025-03.index")) == partitions
	})
}

// cutLater returns what takes the log back to where it is now.
func (s *site) cutLater() func() {
	s.Helper()
	s.stopBroker()
	if err := os.CopyFS(s.path("old"), os.DirFS(s.path("data/kafka"))); err != nil {
		s.Fatal(err)
	}
	s.startBroker()
	return func() {
		s.Helper()
		s.stopBroker()
		s.remove("data/kafka")
		if err := os.Rename(s.path("old"), s.path("data/kafka")); err != nil {
			s.Fatal(err)
		}
		s.startBroker()
	}
}

// content is the JSON of a document of the state store.
func (s *site) content(pattern string) string {
	s.Helper()
	text, err := os.ReadFile(s.files(pattern)[0])
	if err != nil {
		s.Fatal(err)
	}
	return strings.Split(string(text), "\n")[1]
}

// acceptedOn puts a loss in a partition on record, as accepted at a time.
func (s *site) acceptedOn(at time.Time, partition events.Partition, g counter.Gap) {
	s.Helper()
	of := decode[counter.Identity](s.T, strings.NewReplacer("topic_id", "TopicID").Replace(s.content("data/state/*/*/3/checkpoint/*.manifest")))
	of.Partition = partition
	b, err := checkpoint.OpenDirectory(s.path("data/state"))
	if err != nil {
		s.Fatal(err)
	}
	if err := checkpoint.OpenTopic(b, s.topic, of.TopicID).Partition(of).Accept(s.Context(), g, at); err != nil {
		s.Fatal(err)
	}
}

// cutSite has a month of 100 devices sealed, and a log that has lost its end since, seals and all, in every partition.
func cutSite(t *testing.T) *site {
	t.Helper()
	s := newSite(t, openAccount, nil)
	s.send(nil, devices(0, 100, "2025-03-10T10:00:00Z"))
	cut := s.cutLater()
	s.sealedOnly()
	cut()
	return s
}

// closeHeld closes the month of a cutSite: what was sealed stands, and the invoice is held for what became of each seal.
func (s *site) closeHeld(why func(partition, offset int) string) usage {
	s.Helper()
	closed := decode[usage](s.T, s.want(1, "rollup", "close", "--month", "2025-03", "--json").stdout)
	if exact, _ := mau(s.T, closed); exact != 100 {
		s.Errorf("%d devices, want the 100 that were sealed", exact)
	}
	v := closed.Invoices[0]
	for _, p := range closed.Sealed {
		if want := why(p.Partition, p.Offset); v.Status != "held" || !strings.Contains(v.Reason, want) {
			s.Errorf("the invoice is %s: %s; want held: %s", v.Status, v.Reason, want)
		}
	}
	return closed
}

// Between sealing and close the log loses its end, seals and all, in every partition: the invoice is held and says so, and so
// does a verification.
func TestLogCutBehindTheSeal(t *testing.T) {
	onEmbedded(t)
	t.Parallel()
	s := cutSite(t)
	closed := s.closeHeld(func(_, offset int) string { return fmt.Sprintf("before the seal of 2025-03 at offset %d", offset) })
	v := closed.Invoices[0]
	for _, text := range []string{"topic " + s.topic + " partition 2: the log ends at offset ", "is restored from its backup"} {
		if !strings.Contains(v.Reason, text) {
			t.Errorf("the reason does not say %q: %s", text, v.Reason)
		}
	}
	report := s.verify(1, "--month", "2025-03")
	report.says(t, fmt.Sprintf("before the seal at offset %d", closed.Sealed[2].Offset), s.topic, "restore it from its backup")
	s.want(1, "rollup", "verify", "--month", "2025-03").says(t, "--from-sealed")
	s.verify(0, "--month", "2025-03", "--from-sealed")
	s.ok("rollup", "release", "--month", "2025-03", "--account", "acme", "--reason", "counted before the log was lost")
}

// So it is where the log has grown past the seals again.
func TestLogGrownOverTheSeal(t *testing.T) {
	onEmbedded(t)
	t.Parallel()
	s := cutSite(t)
	s.send(nil, devices(100, 200, "2025-03-11T10:00:00Z"))
	s.closeHeld(func(partition, offset int) string {
		return fmt.Sprintf("partition %d: the log was replaced by another, which has grown past the seal of 2025-03 at offset %d", partition, offset)
	})
	s.verify(0, "--month", "2025-03", "--from-sealed")
}

// Where retention took the seals before the close, nothing is known to be lost: the sealed month is billed.
func TestSealsDeletedBeforeTheClose(t *testing.T) {
	t.Parallel()
	s := newSite(t, openAccount, nil)
	s.send(nil, devices(0, 100, "2025-03-10T10:00:00Z"))
	s.sealedOnly()
	for p := range events.Partition(4) {
		index := decode[struct{ Offset int64 }](t, s.content(fmt.Sprintf("data/state/*/*/%d/sealed/2025-03.index", p)))
		s.deleteBefore(p, index.Offset+1)
	}
	closed := decode[usage](t, s.ok("rollup", "close", "--month", "2025-03", "--json"))
	if exact, _ := mau(t, closed); exact != 100 {
		t.Errorf("%d devices, want 100", exact)
	}
	if v := closed.Invoices[0]; v.Status != "final" {
		t.Errorf("the invoice is %s: %s; want final", v.Status, v.Reason)
	}
	s.verify(0, "--month", "2025-03", "--from-sealed")
}

// A topic that is made again between sealing and close is not closed on, and not verified by.
func TestTopicMadeAgainBehindTheSeal(t *testing.T) {
	t.Parallel()
	s := newSite(t, openAccount, nil)
	again := func() {
		t.Helper()
		s.deleteTopic(s.topic)
		s.waitFor("the topic made again", func() bool { return s.run("ingest", "init").code == 0 })
	}
	s.send(nil, devices(0, 100, "2025-03-10T10:00:00Z"))
	s.sealedOnly()
	again()
	s.want(1, "rollup", "close", "--month", "2025-03").says(t, "topic "+s.topic+" was deleted and made again", "partition 2 was sealed at offset ", "ends at offset 0 there now", "backup")
	s = newSite(t, openAccount, nil)
	s.send(nil, devices(0, 100, "2025-03-10T10:00:00Z"))
	s.ok("rollup", "close", "--month", "2025-03")
	again()
	s.want(1, "rollup", "verify", "--month", "2025-03").says(t, s.topic, "deleted and made again", "--from-sealed")
	s.verify(0, "--month", "2025-03", "--from-sealed")
}

// What was deleted before it was counted, and accepted as lost, holds the invoices; a verification agrees and names the loss, from
// the log, from the sealed files and from an archive.
func TestVerifyAcceptedGap(t *testing.T) {
	t.Parallel()
	s := newSite(t, openAccount, nil)
	s.send(nil, devices(0, 100, "2025-03-10T10:00:00Z"))
	s.deleteBefore(2, 7)
	s.want(1, "ingest", "run", "--until-end").says(t, "--accept-gap")
	s.acceptedOn(time.Date(2025, 4, 2, 0, 0, 0, 0, time.UTC), 2, counter.Gap{From: 0, To: 7, Reason: "offsets 0 to 6 were gone from the log"})
	s.ok("ingest", "run", "--until-end", "--accept-gap")
	if text := s.ok("rollup", "status", "--month", "2025-03"); !strings.Contains(text, "an invoice will be held: partition 2: records were lost (offsets 0 to 6") {
		t.Errorf("status does not say that the invoice will be held: %s", text)
	}
	closed := decode[usage](t, s.want(1, "rollup", "close", "--month", "2025-03", "--json").stdout)
	if v := closed.Invoices[0]; v.Status != "held" || !strings.Contains(v.Reason, "partition 2: records were lost (offsets 0 to 6 were gone from the log)") {
		t.Errorf("the invoice is %s: %s", v.Status, v.Reason)
	}
	s.ok("rollup", "export", "--month", "2025-03")
	for _, from := range [][]string{nil, {"--from-sealed"}, {"--from", "headcount-2025-03.tar"}} {
		report := s.verify(0, append([]string{"--month", "2025-03"}, from...)...)
		report.says(t, "partition 2: offsets 0 to 6 were lost", "gaps/2-1.gap", "are to be held")
		if len(from) == 0 {
			report.says(t, "partition 2 of the log begins at offset 7")
		}
	}
	// April's records lie behind that loss; what is lost of them is not on record.
	s.send(nil, devices(0, 50, "2025-04-10T10:00:00Z"))
	s.want(1, "rollup", "close", "--month", "2025-04") // begun before the seal of the month before the last: it may concern April too
	s.send(nil, devices(0, 40, "2025-05-10T10:00:00Z"))
	wantMAU(t, decode[usage](t, s.ok("rollup", "close", "--month", "2025-05", "--json")), 40)
	s.ok("rollup", "export", "--month", "2025-05")
	for _, from := range [][]string{nil, {"--from-sealed"}, {"--from", "headcount-2025-05.tar"}} {
		if report := s.verify(0, append([]string{"--month", "2025-05"}, from...)...); strings.Contains(fmt.Sprint(report.Notes), "were lost") {
			t.Errorf("%v: a loss of March is named for May: %v", from, report.Notes)
		}
	}
	s.ok("rollup", "release", "--month", "2025-03", "--account", "acme", "--reason", "seven events")
	s.verify(0, "--month", "2025-03")
}

// Where closes were missed, what was lost before the first of them may be of any month that had begun: all are held.
func TestLossBeforeMissedCloses(t *testing.T) {
	t.Parallel()
	s := newSite(t, openAccount, nil)
	s.send(nil, devices(0, 100, "2025-03-10T10:00:00Z"))
	s.send(nil, devices(0, 100, "2025-04-10T10:00:00Z"))
	s.send(nil, devices(0, 100, "2025-05-10T10:00:00Z"))
	ends, err := s.admin().ListEndOffsets(s.Context(), s.topic)
	if err != nil {
		t.Fatal(err)
	}
	end, _ := ends.Lookup(s.topic, 2)
	s.deleteBefore(2, end.Offset-3) // events of May too
	s.ok("ingest", "run", "--until-end", "--accept-gap")
	for _, month := range []string{"2025-03", "2025-04", "2025-05"} {
		closed := decode[usage](t, s.run("rollup", "close", "--month", month, "--json").stdout)
		exact, _ := mau(t, closed)
		if v := closed.Invoices[0]; exact == 100 || v.Status != "held" || !strings.Contains(v.Reason, "records were lost") {
			t.Errorf("%s: %d devices of 100, the invoice is %s: %s", month, exact, v.Status, v.Reason)
		}
		s.verify(0, "--month", month, "--from-sealed")
	}
}

// A loss may have taken what came late: the revision that settles the rest of it is held with the month it came with.
func TestLossHoldsWhatCameLate(t *testing.T) {
	t.Parallel()
	s := newSite(t, openAccount, nil)
	s.send(nil, devices(0, 100, "2025-03-10T10:00:00Z"))
	wantMAU(t, decode[usage](t, s.ok("rollup", "close", "--month", "2025-03", "--json")), 100)
	s.send(nil, devices(100, 40, "2025-03-20T10:00:00Z"))
	ends, err := s.admin().ListEndOffsets(s.Context(), s.topic)
	if err != nil {
		t.Fatal(err)
	}
	end, _ := ends.Lookup(s.topic, 2)
	s.deleteBefore(2, end.Offset-1)
	s.send(nil, devices(0, 50, "2025-04-10T10:00:00Z"))
	s.ok("ingest", "run", "--until-end", "--accept-gap")
	s.want(1, "rollup", "close", "--month", "2025-04")
	for month, revision := range map[string]int{"2025-03": 2, "2025-04": 1} {
		invoices := decode[struct{ Invoices []invoice }](t, s.want(1, "rollup", "invoices", "--month", month, "--json").stdout).Invoices
		if v := invoices[len(invoices)-1]; v.Revision != revision || v.Status != "held" || !strings.Contains(v.Reason, "records were lost") {
			t.Errorf("the invoice of %s, revision %d, is %s: %s", month, v.Revision, v.Status, v.Reason)
		}
	}
	s.verify(0, "--month", "2025-04")
}

// A loss is on record, and then log and state both go back to before it: the month's seal has a lower offset than what was lost.
func TestLossOfALongerLog(t *testing.T) {
	t.Parallel()
	s := newSite(t, openAccount, nil)
	s.send(nil, devices(0, 100, "2025-03-10T10:00:00Z"))
	s.ok("ingest", "run", "--until-end")
	s.acceptedOn(time.Now(), 3, counter.Gap{From: 1000, To: 1001, Reason: "of a longer log"})
	closed := decode[usage](t, s.want(1, "rollup", "close", "--month", "2025-03", "--json").stdout)
	if v := closed.Invoices[0]; v.Status != "held" || !strings.Contains(v.Reason, "of a longer log") {
		t.Errorf("the invoice is %s: %s", v.Status, v.Reason)
	}
	s.verify(0, "--month", "2025-03")
}

// replacedSite is a site that counted 200 devices of March, of which the log has lost the second hundred since, which was accepted.
func replacedSite(t *testing.T) *site {
	t.Helper()
	s := newSite(t, openAccount, nil)
	s.send(nil, devices(0, 100, "2025-03-10T10:00:00Z"))
	cut := s.cutLater()
	s.send(nil, devices(100, 100, "2025-03-10T10:00:00Z"))
	s.ok("ingest", "run", "--until-end")
	cut()
	s.ok("ingest", "run", "--until-end", "--accept-gap")
	return s
}

// A log that was replaced where it was counted, and accepted as it is, holds the invoices; a verification says where it differs,
// and why.
func TestVerifyReplacedLog(t *testing.T) {
	onEmbedded(t)
	t.Parallel()
	s := replacedSite(t)
	closed := decode[usage](t, s.want(1, "rollup", "close", "--month", "2025-03", "--json").stdout)
	if exact, _ := mau(t, closed); exact != 200 || closed.Invoices[0].Status != "held" {
		t.Errorf("%d devices, want 200; the invoice is %s", exact, closed.Invoices[0].Status)
	}
	report := s.verify(1, "--month", "2025-03")
	report.says(t, "the log was replaced after it was counted", "are to be held")
	for _, d := range report.Differences {
		if d.What == "accepted losses" {
			t.Errorf("the invoice is held, and yet: %v", d)
		}
	}
	s.verify(0, "--month", "2025-03", "--from-sealed")
}

// A loss that was accepted holds its month also where all that was counted is lost afterwards, and counted again by the close from
// a log that shows no sign of it.
func TestLossOutlivesState(t *testing.T) {
	onEmbedded(t)
	t.Parallel()
	s := replacedSite(t)
	s.remove("data/state/*/*/[0-9]")
	closed := decode[usage](t, s.want(1, "rollup", "close", "--month", "2025-03", "--json").stdout)
	if exact, _ := mau(t, closed); exact != 100 {
		t.Errorf("%d devices, want the 100 that the log has", exact)
	}
	if v := closed.Invoices[0]; v.Status != "held" || !strings.Contains(v.Reason, "the log was replaced after it was counted") {
		t.Errorf("the invoice is %s: %s", v.Status, v.Reason)
	}
	report := s.verify(0, "--month", "2025-03")
	report.says(t, "the log was replaced after it was counted", "are to be held")
}

// What was sealed before the log lost it stands when every checkpoint is gone, also where the record of the loss cannot be read;
// where there is no record any more, that partition halts, and names what differs.
func TestSealedMonthThatTheLogLost(t *testing.T) {
	onEmbedded(t)
	t.Parallel()
	s := replacedSite(t)
	s.want(1, "rollup", "close", "--month", "2025-03")
	s.remove("data/state/*/*/*/checkpoint")
	for _, record := range s.files("data/state/*/*/gaps/*.gap") {
		if err := os.WriteFile(record, []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.want(0, "ingest", "run", "--until-end").says(t, "sealed before records were lost: that stands")
	s.remove("data/state/*/*/*/checkpoint")
	s.remove("data/state/*/*/gaps")
	s.want(1, "ingest", "run", "--until-end").says(t, "sealed/2025-03.index is there with another content", "partition halted; the others go on", "--accept-gap")
	sealed := map[string]string{}
	for _, name := range s.files("data/state/*/*/*/sealed/*") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sealed[name] = string(text)
	}
	s.want(0, "ingest", "run", "--until-end", "--accept-gap").says(t, "loss accepted: the log was replaced where it was counted", "what was sealed stands")
	s.remove("data/state/*/*/*/checkpoint")
	s.want(0, "ingest", "run", "--until-end").says(t, "a loss that was accepted stays on the record", "the log no longer makes what 2025-03 was sealed with")
	for name, was := range sealed {
		if text, err := os.ReadFile(name); err != nil || string(text) != was {
			t.Errorf("%s is another now: %v", name, err)
		}
	}
}

// Where an older state is put back on a log that has lost the seals of a closed month, counting halts at the next seals. With the loss
// accepted the closed month stands: what the log has of it beside that is late, and each device is counted once. The invoices of the
// month that is sealed then, and of those that may have lost events too, are held.
func TestSealLostBehindAnOlderState(t *testing.T) {
	onEmbedded(t)
	t.Parallel()
	s := newSite(t, openAccount, nil)
	s.send(nil, devices(0, 100, "2025-03-10T10:00:00Z"))
	s.ok("ingest", "run", "--until-end")
	older := map[string]string{}
	for _, folder := range s.files("data/state/*/*/*/checkpoint") {
		older[folder] = filepath.Join(s.dir, fmt.Sprint("older", len(older)))
		if err := os.CopyFS(older[folder], os.DirFS(folder)); err != nil {
			t.Fatal(err)
		}
	}
	cut := s.cutLater()
	wantMAU(t, decode[usage](t, s.ok("rollup", "close", "--month", "2025-03", "--json")), 100)
	cut()
	for folder, copied := range older {
		if err := errors.Join(os.RemoveAll(folder), os.Rename(copied, folder)); err != nil {
			t.Fatal(err)
		}
	}
	s.send(nil, devices(90, 30, "2025-03-12T10:00:00Z")) // ten of them were counted
	s.send(nil, devices(0, 50, "2025-04-10T10:00:00Z"))
	s.ok("ingest", "run", "--until-end")
	s.want(1, "rollup", "close", "--month", "2025-04").says(t, "the seal of 2025-04 at offset ", "follows that of 2025-03, which lay at offset ", "--accept-gap")
	s.want(1, "ingest", "run", "--until-end").says(t, "partition halted; the others go on", "--accept-gap")
	s.want(0, "ingest", "run", "--until-end", "--accept-gap").says(t, "loss accepted: the log has lost a seal")
	s.remove("data/state/*/*/*/checkpoint")
	s.want(0, "ingest", "run", "--until-end").says(t, "a loss that was accepted stays on the record", "sealed before records were lost: that stands")
	held := func(month string, exact int) usage {
		t.Helper()
		closed := decode[usage](t, s.want(1, "rollup", "close", "--month", month, "--json").stdout)
		if got, _ := mau(t, closed); got != exact {
			t.Errorf("%s: %d devices, want %d", month, got, exact)
		}
		for _, v := range closed.Invoices {
			if v.Month == month && (v.Status != "held" || !strings.Contains(v.Reason, "the log has lost the seal of 2025-03")) {
				t.Errorf("the invoice of %s is %s: %s; want held", month, v.Status, v.Reason)
			}
		}
		return closed
	}
	closed := held("2025-04", 50)
	if late := closed.Usage[0].Late[0]; late.Devices != 20 {
		t.Errorf("%d late devices of %s, want 20", late.Devices, late.Month)
	}
	s.send(nil, devices(0, 40, "2025-05-10T10:00:00Z"))
	held("2025-05", 40)
	s.send(nil, devices(0, 30, "2025-06-10T10:00:00Z"))
	held("2025-06", 30) // it was over when the loss was accepted
	report := s.verify(1, "--month", "2025-03")
	report.says(t, "the seal of 2025-03")
	report = s.verify(0, "--month", "2025-04")
	report.says(t, "goes on with the seal of 2025-04", "that of 2025-03 is lost, and that loss was accepted", "gaps/2-1.gap")
	for _, month := range []string{"2025-05", "2025-06"} {
		if report := s.verify(0, "--month", month); strings.Contains(fmt.Sprint(report.Notes), "was not counted again") {
			t.Errorf("%s: %v", month, report.Notes)
		}
	}
	for _, month := range []string{"2025-03", "2025-04", "2025-05"} {
		s.verify(0, "--month", month, "--from-sealed")
	}
}

// An invoice that is final although a loss was on record when the close began is a difference; so is a record that was changed. A
// loss that was accepted when the month was closed is only named.
func TestVerifyFindsUnheldLoss(t *testing.T) {
	t.Parallel()
	s := newSite(t, openAccount, nil)
	s.send(nil, devices(0, 100, "2025-03-10T10:00:00Z"))
	s.ok("rollup", "close", "--month", "2025-03")
	s.acceptedOn(time.Now(), 3, counter.Gap{From: 1, To: 2, Reason: "later"})
	report := s.verify(0, "--month", "2025-03")
	report.says(t, "partition 3: offsets 1 to 1 were lost (later)", "after the close of 2025-03 had begun")
	s.acceptedOn(time.Now().Add(-time.Hour), 3, counter.Gap{From: 3, To: 5, Reason: "before"})
	s.acceptedOn(time.Now().Add(-time.Hour), 3, counter.Gap{From: 1000, To: 1001, Reason: "of a longer log"})
	report = s.verify(1, "--month", "2025-03")
	if len(report.Differences) != 2 || report.Differences[1].Got != "final" || report.Differences[0].What != "accepted losses" || report.Differences[0].Got != "final" {
		t.Errorf("differences %v", report.Differences)
	}
	report.says(t, "gaps/3-2.gap", "acme", "offsets 3 to 4 were lost (before)", "gaps/3-3.gap")
	record := s.files("data/state/*/*/gaps/3-2.gap")[0]
	text, err := os.ReadFile(record)
	if err == nil {
		err = os.WriteFile(record, []byte(strings.Replace(string(text), `"to":5`, `"to":4`, 1)), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	report = s.verify(1, "--month", "2025-03")
	report.says(t, "gaps/3-2.gap", "a record that can be read")
}
