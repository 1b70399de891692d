package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"headcount/cmd/cli"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/identity"
	"headcount/events/stream"
	"headcount/events/stream/batch"
	"headcount/events/stream/broker"
	"headcount/events/stream/group"
	"headcount/events/stream/wire"
	"headcount/ingest/keys"
	"headcount/ingest/recount"
	"headcount/ingest/worker"
	"headcount/rating/ledger"
	"headcount/rollup/amend"
	"headcount/rollup/closed"
	"headcount/rollup/closing"
	"headcount/rollup/export"
	"headcount/rollup/status"
	again "headcount/verify/recount"
)

// Every error of the packages below, as it is printed, and its exit code.
func TestFailureOf(t *testing.T) {
	const m = events.Month(2026*12 + 9)
	broke := errors.New("it broke")
	cut := &stream.TruncatedError{Topic: "t", Detail: "it ends"}
	lost := &worker.SealLostError{Topic: "t", Partition: 3, Seal: m, Lost: m - 1, At: 9, LostAt: 4}
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		err  error
		code int
		want string
	}{
		{&closing.NotOverError{Month: m, Ends: at, Zone: "UTC"}, cli.CheckFailed, "month 2026-10 is not over: it ends at 2026-11-01T00:00:00Z (UTC)"},
		{&closing.GraceError{Month: m, Until: at, Grace: 24 * time.Hour}, cli.CheckFailed, "month 2026-10 can be closed from 2026-11-01T00:00:00Z on: its grace of 24h0m0s has not passed since it ended (billing.grace)"},
		{&closing.BooksOpenedLaterError{Month: m, Last: m + 1}, cli.CheckFailed, "month 2026-10 lies before the last closed one, 2026-11, and was never closed itself: the books opened later; it cannot be billed"},
		{&closing.NotClosedBeforeError{Month: m + 1, Before: m}, cli.CheckFailed, "month 2026-10 is not closed: close it first (`rollup close --month 2026-10`, or --due for all)"},
		{&closing.BeforeBooksError{Month: m - 1, From: m}, cli.CheckFailed, "month 2026-09 lies before the books, which open with 2026-10: its events are counted as such, and never billed"},
		{&closing.UnopenedError{Month: m, Events: []closing.MonthEvents{{Month: m - 7, Events: 1}, {Month: m - 1, Events: 20}}}, cli.CheckFailed, "no month is closed yet, and to close 2026-10 opens the books with it: what is older is never billed, but 2026-03 has 1 events; 2026-09 has 20 events; close the first that is to be billed (`rollup close --month 2026-03`), or go on without them (--open-books), or say where the books open in the configuration (billing.from)"},
		{&closing.UnopenedError{Events: []closing.MonthEvents{{Month: m, Events: 20}}}, cli.CheckFailed, "no month is closed yet, and nothing says with which one the books open: 2026-10 has 20 events; say it in the configuration (billing.from), or open them with `rollup close --month M --open-books`, or with the oldest month that somebody is billed for (--due --open-books)"},
		{&closing.UnopenedError{}, cli.CheckFailed, "no month is closed yet, and nothing says with which one the books open: no month that is over has events; say it in the configuration (billing.from), or open them with `rollup close --month M --open-books`, or with the oldest month that somebody is billed for (--due --open-books)"},
		{&recount.BooksOpenError{Fields: []string{"from is none, the configuration says 2026-10"}, Month: m}, cli.Usage, "from is none, the configuration says 2026-10: the closing of 2026-10 has begun, and where the books open is fixed since: set the configuration back (billing.from, limits.months_back)"},
		{&checkpoint.RulesDifferError{File: "topic.json", Fields: []string{"x"}, Bounds: true}, cli.Usage, "topic.json differs from the configuration: x: rules are fixed once counting begins; set the configuration back, or, as long as no month is closed, count the topic again under the new ones (billing.from, limits.months_back): `ingest recount --month M`, of any open month"},
		{&closed.NotClosedError{Month: m}, cli.CheckFailed, "month 2026-10 is not closed: `rollup close --month 2026-10` closes it"},
		{&closing.ForeignLedgerError{Month: m, State: "file://state", Ledger: "sqlite://l"}, cli.CheckFailed, "the state store file://state has month 2026-10 sealed, but the ledger sqlite://l knows no closing of it: it is not the ledger that this state belongs to; restore that one from its backup"},
		{&closed.ForeignSealError{Month: m, Partition: 3, Seal: "a", Closing: "b"}, cli.CheckFailed, "partition 3 is sealed by a, but the ledger's closing of 2026-10 is b: state store and ledger do not belong together; restore the ledger from its backup"},
		{&closing.ForeignTopicError{Month: m, Topic: "t", Begun: closing.TopicIdentity{Cluster: "c", TopicID: "i"}, Reached: closing.TopicIdentity{Cluster: "d", TopicID: "j"}}, cli.CheckFailed, "the closing of 2026-10 was begun on topic id i of cluster c, but the configuration leads to j of d: go back to the former cluster (kafka.brokers)"},
		{&closing.ForeignTopicError{Month: m, Topic: "t", Begun: closing.TopicIdentity{Cluster: "c", TopicID: "i"}, Reached: closing.TopicIdentity{Cluster: "c", TopicID: "j"}, Sealed: []closing.SealedAt{{Partition: 3, Offset: 9, End: 4}}}, cli.CheckFailed, "topic t was deleted and made again since the closing of 2026-10 was begun: its topic id was i and is j (partition 3 was sealed at offset 9, the topic ends at offset 4 there now): the month cannot be closed from it; restore the brokers' data from a backup, or go to a cluster that has the former topic (kafka.brokers)"},
		{&closing.RulesChangedError{Month: m, Begun: "a", Now: "b", State: "file://state"}, cli.CheckFailed, "the closing of 2026-10 was begun under rules a, but those of the month in file://state hash to b: no partition would follow its seal; restore the rules as they were written"},
		{&closing.NotFollowedError{Topic: "t", Partition: 3, Month: m, At: 9}, cli.CheckFailed, "partition 3 is counted up to offset 9, past the seal of 2026-10, but did not follow it: the newest month sealed there is none, and the closing follows none; restore the state store of t from its backup, or have the partition counted again (move its folder away) where the log reaches back to offset 0"},
		{&closing.NotFollowedError{Topic: "t", Partition: 3, Month: m, At: 9, Sealed: m - 2, Previous: m - 1, Lost: true}, cli.CheckFailed, "partition 3 is counted up to offset 9, past the seal of 2026-10, but did not follow it: the newest month sealed there is 2026-08, and the closing follows 2026-09, whose seal was followed once, since its sealed month is there, and is lost now: the log was cut before it, or the state is older; run the close again while `ingest run --accept-gap` reads: the sealed month stands, with the loss on record and the invoices held; else restore topic t from its backup, or a checkpoint made after that seal from the state store's backup"},
		{&closed.SealedMonthLostError{Partition: 3, Month: m, Err: broke}, cli.CheckFailed, "partition 3, sealed month 2026-10: it broke: `rollup verify --month 2026-10` says what is wrong with it; restore it from the state store's backup"},
		{&closed.SealedMonthLostError{Partition: 3, Month: m, Former: "id", Err: broke}, cli.CheckFailed, "partition 3 of the former topic id: it broke: its log is gone; restore the state store from its backup"},
		{&closing.LogGoneError{Month: m, Err: broke}, cli.CheckFailed, "2026-10 was sealed, but its log is gone: it broke"},
		{fmt.Errorf("2026-10: %w", &closed.NotAsBilledError{Month: m, App: "a", Digest: "x", Billed: "y"}), cli.CheckFailed, "2026-10: the sealed files of 2026-10 are not those that were billed: app a has digest x, the ledger y; see `rollup verify --month 2026-10`"},
		{&closing.TimedOutError{Month: m, Waited: time.Minute, Partitions: []events.Partition{1, 2}, Why: "being read: 1 by x"}, cli.Unreachable, "waited 1m0s for partitions 1, 2 of 2026-10 to be sealed (being read: 1 by x): see that `ingest run` is up and reads them, then run the close again"},
		{&closed.UnreachableError{What: "ledger", Err: broke}, cli.Unreachable, "ledger: it broke"},
		{&closed.UnreachableError{What: "seal 2026-10", Err: broke, Again: true}, cli.Unreachable, "seal 2026-10: it broke; run the close again"},
		{&closed.UnreachableError{Err: broke}, cli.Unreachable, "it broke"},
		{fmt.Errorf("month %s: %w", m, amend.ErrSame), cli.Usage, "month 2026-10: accounts, books and quantities are what the month is priced by already; there is nothing to amend"},
		{&status.UnpricedError{Month: m, Err: broke}, cli.Usage, "it broke"},
		{&export.IncompleteError{Month: m, Err: broke}, cli.CheckFailed, "it broke: `rollup verify --month 2026-10` says more"},
		{&worker.MonthDiffersError{File: "f", Month: m, Fields: []string{"x"}}, cli.Usage, "f: rules differ from those of open month 2026-10: x; put them back, or count the month again under the new ones: `ingest recount --month 2026-10`"},
		{fmt.Errorf("f: %w", &checkpoint.RulesDifferError{File: "topic.json", Fields: []string{"x"}}), cli.Usage, "f: topic.json differs from the configuration: x: rules are fixed once counting begins; set the configuration back, or use a new topic"},
		{&worker.TemplateError{File: "f", Err: broke}, cli.Usage, "f: it broke"},
		{&worker.KeyMissingError{File: "f", Month: m, KeyID: "a", Newest: "b"}, cli.Usage, "f: month 2026-10, which is not finished, is counted with GUID key a, which is not in it (its newest is b): put that key back; with another one every device would count again"},
		{&worker.SiblingError{Topic: "t", Former: "id", Unsealed: []events.Month{m, m + 1}}, cli.CheckFailed, "topic t was deleted and made again: its former self id has months that were never closed (2026-10, 2026-11), whose events are gone from the log; restore the topic, or go on without them: `ingest run --accept-gap`"},
		{&worker.RulesLostError{State: "file://state", ClosedRules: worker.ClosedRules{Month: m, Hash: "a"}}, cli.CheckFailed, "the state store file://state has no rules for this topic, but the ledger has 2026-10 closed under rules a, which the present configuration gives under none of the GUID keys: restore the topic's rules folder, at least, from the state store's backup"},
		{&checkpoint.RulesDifferError{File: "topic.json", Fields: []string{"x"}}, cli.Usage, "topic.json differs from the configuration: x: rules are fixed once counting begins; set the configuration back, or use a new topic"},
		{fmt.Errorf("month: %w", identity.ErrUnknownKey), cli.Usage, "month: " + identity.ErrUnknownKey.Error()},
		{fmt.Errorf("rules: %w: 1", events.ErrVersion), cli.Usage, "rules: " + events.ErrVersion.Error() + ": 1"},
		{fmt.Errorf("file: %w 1", checkpoint.ErrVersion), cli.Usage, "file: " + checkpoint.ErrVersion.Error() + " 1"},
		{fmt.Errorf("read: %w", context.DeadlineExceeded), cli.Unreachable, "read: context deadline exceeded"},
		{&recount.ClosingBegunError{Month: m}, cli.CheckFailed, "the closing of 2026-10 has begun: a month that is being sealed, or is sealed, is not counted again"},
		{&recount.NothingCountedError{Month: m}, cli.CheckFailed, "no event of 2026-10 was ever counted: nothing to count again"},
		{&recount.ShortLogError{Month: m, Starts: []recount.Start{{Partition: 1, Offset: 3}, {Partition: 2, Offset: 9}}}, cli.CheckFailed, "the log no longer reaches back to offset 0 (partition 1 begins at offset 3, partition 2 begins at offset 9): 2026-10 cannot be counted again; its present counts stay"},
		{&recount.CutLogError{Month: m, Err: cut}, cli.CheckFailed, cut.Error() + "; 2026-10 counted again would not show what was lost, its present counts stay: run `ingest run --accept-gap` first"},
		{&recount.BeingReadError{Group: "g", Partition: 3, Owner: "x"}, cli.CheckFailed, "partition 3 is being read by x of group g, which counts by the former rules: stop every `ingest run` of group g first"},
		{&recount.UnreachableError{What: "offsets", Err: broke}, cli.Unreachable, "offsets: it broke"},
		{&keys.LostGUIDKeyError{File: "f", InUse: "the ledger"}, cli.Usage, "GUID key file f is missing, but the ledger is not empty: restore the key from its backup; a new one would count every device again"},
		{&keys.LostSealKeysError{Private: "f", Public: "g", InUse: "the ledger"}, cli.Usage, "seal key files f and g are missing, but the ledger is not empty: restore them from their backup; if they are lost, `ingest init --new-seal-key` makes new ones, and the open months must be counted again (`ingest recount`)"},
		{&keys.BadSealKeyError{Err: broke}, cli.Usage, "it broke"},
		{&keys.NotWritableError{Path: "/a/f"}, cli.Usage, "/a/f cannot be created: this user must not write in /a; give it the right to, or name another place in the config"},
		{&worker.Halted{Err: broke}, cli.CheckFailed, "it broke"},
		{&worker.UnreadError{Partitions: []events.Partition{1, 3}, Waited: time.Minute}, cli.Unreachable, "partitions [1 3] belong to others of the group and are not read to their end; for 1m0s nobody went on with them: see that those processes are well, or stop them, so that this one gets their partitions"},
		{lost, cli.CheckFailed, lost.Error() + " (`ingest run --accept-gap`)"},
		{&worker.Halted{Err: cut}, cli.CheckFailed, cut.Error() + " (`ingest run --accept-gap`)"},
		{&worker.Halted{Err: &stream.GapError{Topic: "t", Want: 1, Start: 3, End: 9}}, cli.CheckFailed, "topic t partition 0: offsets 1–2 were deleted before they were read (the log holds 3–9; retention?): the count would miss them; restore them, or accept the loss, which is recorded and holds invoices (`ingest run --accept-gap`)"},
		{&stream.RecreatedError{Topic: "t", Was: "i", Now: "j"}, cli.CheckFailed, "topic t: made again while it was read (topic id was i, is j): the records not yet read of the old one are lost; restart to count the new topic, and accept that loss where the old one has an unsealed month (`ingest run --accept-gap`)"},
		{&worker.Halted{Err: fmt.Errorf("f %w: x", checkpoint.ErrDiffers)}, cli.CheckFailed, "f is there with another content: x (`rollup verify` tells which is right, `ingest run --accept-gap` accepts the loss)"},
		{&worker.DeadLetterError{Err: broke}, cli.CheckFailed, "write dead letters: it broke"},
		{&worker.DeadLetterError{Err: stream.ErrNoTopic}, cli.CheckFailed, "write dead letters: no such topic (`ingest init` creates the topic)"},
		{&batch.UnreadableError{What: "x", Remedy: "y"}, cli.CheckFailed, "x"},
		{&stream.AnswerSizeError{Size: 9, Limit: 8, Fetch: true}, cli.CheckFailed, "answer of 9 bytes, limit 8 (if the topic has larger batches, raise the most that is taken for a batch) (kafka.max_batch_bytes)"},
		{&stream.AnswerSizeError{Size: 9, Limit: 8}, cli.CheckFailed, "answer of 9 bytes, limit 8"},
		{&group.FencedError{Group: "g", Instance: "a"}, cli.CheckFailed, "group g: another process has joined as instance \"a\": this one, the older, leaves; give each process an instance name of its own (--instance)"},
		{fmt.Errorf("member m of group g: %w (%w)", broke, group.ErrStranger), cli.CheckFailed, "member m of group g: it broke (another program in the group? give the group a name of its own) (kafka.group)"},
		{wire.Refusal(wire.CodeInconsistentProtocol, "join", "group g", ""), cli.CheckFailed, "join group g: inconsistent group protocol (another program uses this group: give the group a name of its own) (kafka.group)"},
		{wire.Refusal(wire.CodeInvalidGroup, "join", "group g", ""), cli.CheckFailed, "join group g: invalid group id (give the group another name) (kafka.group)"},
		{wire.Refusal(wire.CodeSessionTimeout, "join", "group g", ""), cli.CheckFailed, "join group g: invalid session timeout (set the session timeout between the brokers' group.min.session.timeout.ms and group.max.session.timeout.ms) (kafka.session_timeout)"},
		{wire.Refusal(wire.CodeFencedInstance, "join", "group g", ""), cli.CheckFailed, "join group g: fenced instance (give each process an instance name of its own) (--instance)"},
		{wire.Refusal(wire.CodeTooLarge, "write to", "t", ""), cli.CheckFailed, "write to t: message too large (raise the topic's max.message.bytes)"},
		{cli.Fail(cli.Unreachable, "%w", &stream.RefusedError{Brokers: "b:1", Why: stream.WrongPassword, Err: broke}), cli.Unreachable, "connection refused by b:1: check user and password: it broke (kafka.sasl)"},
		{&stream.RefusedError{Brokers: "b:1", Why: stream.UnknownMechanism, Err: broke}, cli.CheckFailed, "connection refused by b:1: use a mechanism that the brokers have: it broke (kafka.sasl.mechanism)"},
		{&stream.RefusedError{Brokers: "b:1", Why: stream.UntrustedBroker, Err: broke}, cli.CheckFailed, "connection refused by b:1: the broker's certificate is not trusted: check the authority and the server's name: it broke (kafka.tls.ca_file, kafka.tls.server_name)"},
		{&stream.RefusedError{Brokers: "b:1", Why: stream.NoTLS, Err: broke}, cli.CheckFailed, "connection refused by b:1: the broker does not speak TLS at this address: do without, or name its TLS port: it broke (kafka.tls)"},
		{&stream.RefusedError{Brokers: "b:1", Why: stream.TLSEnded, Err: broke}, cli.CheckFailed, "connection refused by b:1: the broker ends TLS: it may ask for our certificate: it broke (kafka.tls.cert_file)"},
		{fmt.Errorf("address: %w", broker.ErrNoHost), cli.CheckFailed, "address: " + broker.ErrNoHost.Error() + " (kafka.brokers)"},
		{fmt.Errorf("address: %w", broker.ErrExposed), cli.CheckFailed, "address: " + broker.ErrExposed.Error() + " (kafka.embedded.expose)"},
		{&ledger.UnclosedError{Month: 2026*12 + 9, What: "the closing of 2026-10 has not begun", Err: ledger.ErrNotFound}, cli.CheckFailed, "not in the ledger: the closing of 2026-10 has not begun (`rollup close --month 2026-10`)"},
		{&ledger.NoInvoiceError{Month: 2026*12 + 9, Account: "a"}, cli.CheckFailed, "not in the ledger: account a has no invoice for 2026-10 (`rollup invoices --month 2026-10` lists those that have one)"},
		{cli.Fail(cli.Unreachable, "ledger: %w", ledger.ErrMissing), cli.Unreachable, "ledger: no ledger there (`ledger:` in the config; the first `rollup close` makes it)"},
		{cli.Fail(cli.Unreachable, "ledger: %w", ledger.ErrForeign), cli.Unreachable, "ledger: the file is no ledger (`ledger:` in the config)"},
		{ledger.ErrOlder, cli.CheckFailed, "the ledger is older than this program (`rollup close` does, on PostgreSQL `rollup ledger prepare` as their owner)"},
		{again.StartError{Partition: 1, Offset: 2}, cli.CheckFailed, "partition 1 of the log begins at offset 2: what lay before is gone, so the month cannot be counted again (--from-sealed checks what can be checked without the log)"},
		{again.LostSealError{}, cli.CheckFailed, again.LostSealError{}.Error() + " (--from-sealed checks what can be checked without the log)"},
		{&again.OtherTopicError{What: "topic t is another"}, cli.CheckFailed, "topic t is another (--from-sealed checks what can be checked without the log)"},
		{errors.Join(&worker.Halted{Err: cut}, &group.FencedError{}), cli.CheckFailed, cut.Error() + "\n" + (&group.FencedError{}).Error() + " (`ingest run --accept-gap`) (--instance)"},
		{cli.Fail(cli.Usage, "said: %w", &closed.NotClosedError{Month: m}), cli.Usage, "said: month 2026-10 is not closed"},
	} {
		got := FailureOf(c.err)
		if got.Error() != c.want || cli.Code(got) != c.code {
			t.Errorf("%T: got %d %s\nwant %d %s", c.err, cli.Code(got), got, c.code, c.want)
		}
		if again := FailureOf(got); again.Error() != got.Error() {
			t.Errorf("%T: said twice: %s", c.err, again)
		}
		if !errors.Is(got, c.err) {
			t.Errorf("%T: what was said is not the error any more", c.err)
		}
	}
	if FailureOf(nil) != nil {
		t.Error("nil is an error")
	}
}

// A key that this user may not read is a dependency that cannot be reached, any other fault of it a mistake.
func TestKeyFailure(t *testing.T) {
	for err, want := range map[error]int{&fs.PathError{Op: "open", Path: "guid.key", Err: fs.ErrPermission}: cli.Unreachable, errors.New("line 1"): cli.Usage} {
		if got := cli.Code(keyFailure(err)); got != want {
			t.Errorf("%v: exit code %d, want %d", err, got, want)
		}
	}
}
