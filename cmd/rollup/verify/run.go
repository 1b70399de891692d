package verify

import (
	"context"
	"crypto/cipher"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"headcount/rating/ledger"
)

// Files are the state store's files. List returns the names that begin with prefix, sorted; Open of a missing file is
// fs.ErrNotExist.
type Files interface {
	Open(ctx context.Context, name string) (io.ReadCloser, error)
	List(ctx context.Context, prefix string) ([]string, error)
}

// Progress shows how far long work has come.
type Progress interface {
	Set(done int64)
	End()
}

// Config says what is verified, and where everything lies.
type Config struct {
	Month      string
	Brokers    []string
	Security   []kgo.Opt // TLS and SASL, where brokers want them
	Files      Files
	Ledger     *ledger.Ledger
	Keys       []byte   // the file of GUID keys
	SealKey    []byte   // the file of the seals' public key
	FromSealed bool     // without the log
	Archive    *Archive // nil, or: where Files, Ledger and SealKey come from; FromSealed then, and Keys may be empty
	Facts      int      // held in memory; 0: 4 million
	Folder     string   // of temporary files; empty: the system's
	Accounts   []byte   // the accounts file as it is now; nil: not looked at
	Begin      func(what, unit string, total int64) Progress

	read func(v *verification) error // in place of reading from Brokers; for tests
}

// ErrUnreachable wraps what says that log, state or ledger cannot be reached.
var ErrUnreachable = errors.New("cannot be reached")

func unreachable(err error) error { return fmt.Errorf("%w: %w", ErrUnreachable, err) }

// ErrNotClosed says that the month is not closed.
var ErrNotClosed = errors.New("is not closed")

type verification struct {
	Config
	ctx       context.Context
	report    *Report
	keys      map[string]cipher.Block
	public    ed25519.PublicKey
	month     month
	before    month // of the closing before; 0: none, or it cannot be read
	elsewhere bool  // that closing was of another topic of the same name
	closing   ledger.Closing
	former    ledger.Closing
	stored    ledger.Result
	folder    string // of the topic's state
	book      *book
	rules     *monthRules
	parts     map[int32]*partition
	ends      map[int32]int64
	facts     *facts
	accepted  []*loss // all that are on record of the closing's partitions
	lost      []*loss // of them, that may have taken events of the month
	apps      map[string]*app
	heads     map[place]*sealedApp

	judged      int // meters with an estimate
	nameless    uint64
	published   []string // ledger heads in closed records
	foundClosed bool
	watch       func(r *reading, partition int32, offset int64, late bool)

	prices  *prices
	amended *amendedMonth // nil: there is no amendment to price

	amendments int          // that the month has
	late       *formerMonth // nil: what came late of the month before is not counted here
	sets       map[string][]uint16
}

// Run verifies a closed month. An error says that it could not be done; differences are in the report.
func Run(ctx context.Context, c Config) (*Report, error) {
	v, err := open(ctx, c)
	defer v.facts.close()
	if err == nil {
		err = v.run()
	}
	var broken *unreadable
	switch {
	case errors.As(err, &broken): // without it there is nothing to go on with
		v.report.wrong(broken.what, broken.file, broken.want, broken.err.Error())
		v.report.remark("the month was not counted to the end: %s cannot be read", broken.file)
		if err := v.walkChain(); err != nil {
			return nil, err
		}
	case errors.Is(err, ErrNotClosed): // or what says that it is was taken away
		if walk := v.walkChain(); walk != nil || len(v.report.Differences) == 0 {
			return nil, err
		}
		v.report.remark("%s", err)
	case err != nil:
		return nil, err
	}
	v.report.OK = len(v.report.Differences) == 0
	return v.report, nil
}

func (v *verification) run() error {
	files := v.sealedFiles()
	defer func() {
		for _, f := range files {
			f.in.Close()
		}
	}()
	if err := v.checkLosses(files); err != nil {
		return err
	}
	if err := v.count(files); err != nil {
		return err
	}
	if err := v.checkUsage(); err != nil {
		return err
	}
	if v.Archive != nil {
		if err := v.checkArchive(); err != nil {
			return err
		}
	}
	if err := v.checkInvoices(); err != nil {
		return err
	}
	return v.checkLedger()
}

// count counts from the log, or from the sealed files.
func (v *verification) count(files map[int32]*sealedFile) error {
	if v.FromSealed {
		return v.fromSealed(files)
	}
	if v.elsewhere {
		if err := v.addFormer(); err != nil {
			return err
		}
	}
	read := v.read
	if read == nil {
		read = (*verification).readLog
	}
	err := read(v)
	_, gone := errors.AsType[errStart](err)
	_, unsealed := errors.AsType[errLostSeal](err)
	if gone && len(v.lost) > 0 || unsealed {
		v.report.remark("the month was not counted again: %s", err)
		v.FromSealed = true
		v.parts = map[int32]*partition{}
		v.facts.close()
		*v.facts = *newFacts(v.Facts, v.Folder)
		return v.fromSealed(files)
	}
	if err != nil {
		return err
	}
	v.checkSeals(files)
	return v.unite(files)
}

// open reads ledger, keys and rules. With an error it returns what it has.
func open(ctx context.Context, c Config) (*verification, error) {
	if c.Facts == 0 {
		c.Facts = 4_000_000
	}
	v := &verification{Config: c, ctx: ctx, report: &Report{Month: c.Month, Checks: []*Check{}, Differences: []Difference{}, Notes: []string{}},
		parts: map[int32]*partition{}, ends: map[int32]int64{}, apps: map[string]*app{}, heads: map[place]*sealedApp{}, sets: map[string][]uint16{}}
	v.facts = newFacts(c.Facts, c.Folder)
	var ok bool
	if v.month, ok = parseMonth(c.Month); !ok {
		return v, fmt.Errorf("month %q: want the form 2026-10", c.Month)
	}
	var err error
	if v.stored, err = c.Ledger.Result(ctx, ledgerMonth(c.Month)); err == nil {
		v.closing, err = c.Ledger.Closing(ctx, ledgerMonth(c.Month))
	}
	if errors.Is(err, ledger.ErrNotFound) {
		return v, fmt.Errorf("month %s %w", c.Month, ErrNotClosed)
	}
	if err != nil {
		return v, inLedger(err)
	}
	if v.closing.Previous != nil {
		if v.before, ok = parseMonth(v.closing.Previous.Month.String()); !ok {
			return v, fmt.Errorf("the closing of %s follows %q, which is no month", c.Month, v.closing.Previous.Month)
		}
		if v.former, err = c.Ledger.Closing(ctx, v.closing.Previous.Month); err != nil {
			return v, inLedger(err)
		}
	}
	if v.keys, err = readKeys(c.Keys); err != nil {
		return v, &unreadable{"keys", "GUID key file", "a key of 32 hex digits a line", err}
	}
	if v.public, err = readPublicKey(c.SealKey); err != nil {
		v.report.wrong("keys", "seal public key file", "an Ed25519 public key", err.Error())
	}
	v.folder = escape(v.closing.Topic) + "/" + escape(v.closing.TopicID)
	months, err := c.Ledger.Months(ctx)
	if err != nil {
		return v, inLedger(err)
	}
	fixed := map[string]string{}
	for _, m := range months {
		closing, err := c.Ledger.Closing(ctx, m.Month)
		if err != nil {
			return v, inLedger(err)
		}
		if closing.TopicID == v.closing.TopicID {
			fixed[m.Month.String()] = closing.RulesHash
		}
	}
	if v.book, err = v.readRules(v.folder, fixed); err != nil {
		return v, err
	}
	if v.rules = v.book.months[v.month]; v.rules == nil {
		return v, &unreadable{"rules", v.folder + "/rules/" + c.Month + ".json", "the rules of the month", errors.New("none that can be read")}
	}
	v.elsewhere = v.before != 0 && v.former.TopicID != v.closing.TopicID
	if v.public != nil {
		v.report.same("keys", string(v.rules.public), string(v.public), "%s: seal_key, by the public key file", v.rules.file)
	}
	if v.rules.cipher == nil && (v.Archive == nil || len(v.keys) > 0) {
		v.report.wrong("keys", "GUID key file", "the key "+v.rules.KeyID+" that the month's rules name", fmt.Sprintf("keys %s", strings.Join(slices.Sorted(maps.Keys(v.keys)), ", ")))
		if !c.FromSealed {
			v.report.remark("without the GUID key the log cannot be counted again: only the sealed files were checked")
			v.FromSealed = true
		}
	}
	v.report.same("time zone", v.closing.Zone, v.book.topic.TimeZone, "the ledger's closing of %s", c.Month)
	v.prices = v.readPrices()
	if v.amended, err = v.openAmended(); err != nil {
		return v, err
	}
	if v.late, err = v.openFormer(); err != nil {
		return v, err
	}
	if v.Accounts != nil && string(v.Accounts) != string(v.closing.Accounts) {
		v.report.remark("the accounts file is not what it was at the close; the month is priced by what the closing holds")
	}
	return v, nil
}

// inFormer says whether the closing before listed a partition of this topic.
func (v *verification) inFormer(id int32) bool {
	return !v.elsewhere && slices.Contains(v.former.Partitions, id)
}

func (v *verification) noKey(r *monthRules) error {
	return fmt.Errorf("GUID key %s, which the rules of %s name, is not in the key file", r.KeyID, r.Month)
}

func (v *verification) begin(what, unit string, total int64) Progress {
	if v.Begin == nil {
		return silent{}
	}
	return v.Begin(what, unit, total)
}

type silent struct{}

func (silent) Set(int64) {}
func (silent) End()      {}

// readFile reads a small file.
func (v *verification) readFile(name string) ([]byte, error) {
	f, err := v.Files.Open(v.ctx, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 256<<20))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return text, nil
}

// escape writes a topic's name or id as the state store does.
func escape(word string) string {
	var b strings.Builder
	for i := range len(word) {
		c := word[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-', c == '.' && i > 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// sealedFiles opens the sealed month of every partition.
func (v *verification) sealedFiles() map[int32]*sealedFile {
	files := map[int32]*sealedFile{}
	for _, id := range v.closing.Partitions {
		f, err := v.openSealed(v.folder, id, v.Month)
		var broken *unreadable
		if errors.As(err, &broken) {
			v.report.wrong(broken.what, broken.file, broken.want, broken.err.Error())
			continue
		}
		v.report.same("sealed index", f.SealID, v.closing.SealID, "%s: seal_id, by the ledger's closing", f.file)
		v.report.same("sealed index", f.RulesHash, v.closing.RulesHash, "%s: rules, by the ledger's closing", f.file)
		files[id] = f
	}
	return files
}

// unreadable says which file cannot be read.
type unreadable struct {
	what, file, want string
	err              error
}

func (u *unreadable) Error() string { return fmt.Sprintf("%s: %v", u.file, u.err) }

// inLedger says that the ledger cannot be reached, or which of its rows cannot be read.
func inLedger(err error) error {
	if errors.Is(err, ledger.ErrUnreachable) {
		return unreachable(fmt.Errorf("ledger: %w", err))
	}
	return &unreadable{"ledger chain", "ledger", "rows that can be read", err}
}

// openSealed opens a partition's sealed month in a topic's folder. Its error is an unreadable.
func (v *verification) openSealed(topic string, id int32, month string) (*sealedFile, error) {
	folder := fmt.Sprintf("%s/%d/sealed/", topic, id)
	x, err := v.readIndex(folder + month + ".index")
	if err != nil {
		return nil, &unreadable{"sealed index", folder + month + ".index", "an index that can be read", err}
	}
	x.data = folder + x.Data
	f, err := v.Files.Open(v.ctx, x.data)
	if err != nil {
		return nil, &unreadable{"sealed files", x.data, "a file", err}
	}
	r, err := newSealedReader(f, x.Precision)
	if err != nil {
		f.Close()
		return nil, &unreadable{"sealed files", x.data, "a file that can be read", err}
	}
	return &sealedFile{index: x, in: f, r: r}, nil
}

// checkSeals says which partitions have no seal, and holds the seals against the ledger's closing.
func (v *verification) checkSeals(files map[int32]*sealedFile) {
	for _, id := range v.closing.Partitions {
		p := v.parts[id]
		if p == nil {
			continue
		}
		if !p.done() {
			got := "none"
			if p.firstBad != "" {
				got = "none that is valid; " + p.firstBad
			}
			if f := files[id]; f != nil && f.Offset >= v.ends[id] {
				got += fmt.Sprintf("; topic %s ends at offset %d there, before the seal at offset %d by which it was counted (%s): it was cut short, or made again, since; restore it from its backup; --from-sealed checks what can be checked without the log", v.closing.Topic, v.ends[id], f.Offset, f.file)
			}
			v.report.wrong("seals", fmt.Sprintf("partition %d, offsets 0 to %d", id, v.ends[id]), "the seal of "+v.Month, got)
			continue
		}
		at := fmt.Sprintf("partition %d, offset %d", id, p.sealOffset)
		v.report.same("seals", p.seal.SealID, v.closing.SealID, "%s: seal_id, by the ledger's closing", at)
		v.report.same("seals", p.seal.RulesHash, v.closing.RulesHash, "%s: rules, by the ledger's closing", at)
		v.report.same("seals", fmt.Sprint(p.seal.Partitions), fmt.Sprint(v.closing.Partitions), "%s: partitions, by the ledger's closing", at)
		if p.invalid > 0 {
			v.report.remark("partition %d has %d seals that are not valid and change nothing; %s", id, p.invalid, p.firstBad)
		}
	}
}

// closed takes a closed record. One that is not signed by the key of its month's rules says nothing.
func (v *verification) closed(c closedData, sig *signed, place string, args ...any) {
	m, _ := parseMonth(c.Month)
	rules := v.book.months[m]
	at := fmt.Sprintf("closed record of %s, %s", c.Month, fmt.Sprintf(place, args...))
	if rules == nil || !sig.by(rules.public) || c.Cluster != v.closing.Cluster || c.TopicID != v.closing.TopicID {
		v.report.wrong("closed records", at, "a signature by the key in the month's rules", "another")
		return
	}
	v.report.check("closed records").Checked++
	v.published = append(v.published, c.LedgerHead)
	if c.Month != v.Month {
		return
	}
	v.report.same("closed records", c.SealID, v.closing.SealID, "%s: seal_id, by the ledger's closing", at)
	v.report.same("closed records", c.Apps, len(v.stored.Usage), "%s: apps, by the ledger", at)
	v.report.same("closed records", c.UsageHash, v.usageHash(), "%s: usage_hash, by the digests in the ledger", at)
	if v.foundClosed = v.foundClosed || c.LedgerHead == v.stored.Head || v.amendments == 0; v.amendments == 0 {
		v.report.same("closed records", c.LedgerHead, v.stored.Head, "%s: ledger_head, by the ledger's result", at)
	} // else it may be an amendment's; the walk along the chain looks for its head
	for _, u := range v.stored.Usage {
		if c.Usage != nil {
			v.report.same("closed records", u.Digest, c.Usage[u.App], "the ledger's usage of app %s: digest, by the %s", u.App, at)
		}
	}
}

// announced takes the closed records that the ledger has sent: of the month, of the newest, and of months that were amended. The
// last of them covers all that was before.
func (v *verification) announced() error {
	from := []ledger.Result{v.stored}
	months, err := v.Ledger.Months(v.ctx)
	if err != nil {
		return inLedger(err)
	}
	newest, _, err := v.Ledger.LastClosed(v.ctx)
	if err != nil {
		return inLedger(err)
	}
	for _, m := range months {
		amendments, err := v.Ledger.Amendments(v.ctx, m.Month)
		if err != nil {
			return inLedger(err)
		}
		if m.Month.String() == v.Month || m.Month != newest && len(amendments) == 0 {
			continue
		}
		r, err := v.Ledger.Result(v.ctx, m.Month)
		if err != nil {
			return inLedger(err)
		}
		if c, err := v.Ledger.Closing(v.ctx, m.Month); err == nil && c.TopicID == v.closing.TopicID {
			from = append(from, r)
		}
	}
	for _, r := range from {
		for i, message := range r.Outbox {
			c, sig, err := openClosed(message)
			if err != nil {
				v.report.wrong("closed records", fmt.Sprintf("ledger, message %d of %s", i+1, r.Month), "a closed record", err.Error())
				continue
			}
			v.closed(c, sig, "as the ledger has it")
		}
	}
	return nil
}

// checkLedger holds the closed records against the ledger and walks its chain.
func (v *verification) checkLedger() error {
	found := v.foundClosed
	if err := v.announced(); err != nil {
		return err
	}
	place := fmt.Sprintf("partition %d", v.closing.Partitions[0])
	if v.FromSealed {
		found, place = v.foundClosed, "the ledger's outbox"
	}
	if !found {
		v.report.wrong("closed records", place, "the closed record of "+v.Month, "none with a valid signature; where the close could not send it, run the close again")
	}
	return v.walkChain()
}

// walkChain walks the ledger's chain, and looks for the heads that were published.
func (v *verification) walkChain() error {
	report, err := v.Ledger.Verify(v.ctx, v.published...)
	var d *ledger.Difference
	switch {
	case errors.As(err, &d):
		v.report.wrong("ledger chain", fmt.Sprintf("entry %d (%s): %s %s %s", d.Seq, d.Kind, d.Table, d.Row, d.Column), d.Want, d.Got)
	case errors.Is(err, ledger.ErrUnreachable):
		return unreachable(err)
	case err != nil:
		v.report.wrong("ledger chain", v.Ledger.String(), "a chain that can be walked", err.Error())
	default:
		v.report.check("ledger chain").Checked += report.Entries + report.Rows
	}
	return nil
}

var errTimeout = context.DeadlineExceeded

func withTimeout(ctx context.Context, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(ctx, d)
	context.AfterFunc(ctx, cancel)
	return ctx
}

func retriable(err error) bool { return kerr.IsRetriable(err) }
