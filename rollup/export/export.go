// Package export writes a closed month into one archive: all that an auditor needs to check it elsewhere, and no key.
//
// The archive is a tar of plain files (GNU format, mode 0600, no times, no owners), not packed. Same ledger and state, same
// bytes. manifest.json comes first:
//
//	manifest.json               version, month, and name, size and SHA-256 of every file that follows, in their order
//	seal.pub                    the public key that the month was sealed with
//	ledger.jsonl                every entry of the ledger with its documents, a line of canonical JSON each (ledger.Export)
//	closing/accounts.yaml       by which accounts the close priced
//	closing/books/NAME.yaml     and by which price books
//	closed/MONTH.json           the signed closed record of the month; and of the newest month, whose head covers the whole ledger
//	usage.json, invoices.json   what was sealed and billed
//	state/…                     rules, sealed indexes and files of the month and of the one before, losses of log that were accepted,
//	                            and with them the sealed indexes of the month before that, as in the state store
//
// The GUID key and the seals' private key are never read. Without the former nobody can make a device's fingerprint.
package export

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/signed"
	"headcount/internal/canonical"
	"headcount/rating/ledger"
	"headcount/rollup/closed"
)

// Version of the archive.
const Version = 1

// Source is where an export is made of.
type Source struct {
	Month     events.Month
	Ledger    *ledger.Ledger
	Bucket    checkpoint.Bucket
	PublicKey []byte // PEM
}

// manifest is the archive's first file.
type manifest struct {
	Version int          `json:"version"`
	Month   events.Month `json:"month"`
	Account string       `json:"account,omitempty"` // the only one that it has anything of; empty: all
	Files   []item       `json:"files"`
}

type item struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // 64 hex digits

	open func() (io.ReadCloser, error)
}

// Archive is an export that can be written, with every file's hash known.
type Archive struct {
	manifest manifest
	text     []byte
	temp     *os.File // the ledger's lines
}

// IncompleteError says that a month cannot be exported whole: what ledger or state store have of it is lost or damaged.
type IncompleteError struct {
	Month events.Month
	Err   error
}

func (e *IncompleteError) Error() string { return e.Err.Error() }
func (e *IncompleteError) Unwrap() error { return e.Err }

// Prepare gathers and hashes all files. The ledger is verified on the way. Close removes what it made. It fails with a
// *closed.NotClosedError, with a *closed.UnreachableError of the ledger's database, or with an *IncompleteError.
func Prepare(ctx context.Context, s Source) (*Archive, error) {
	a := &Archive{manifest: manifest{Version: Version, Month: s.Month, Files: []item{}}}
	err := a.gather(ctx, s)
	if err == nil {
		return a, nil
	}
	a.Close()
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return nil, &closed.NotClosedError{Month: s.Month}
	case errors.Is(err, ledger.ErrUnreachable):
		return nil, &closed.UnreachableError{Err: err}
	}
	return nil, &IncompleteError{s.Month, err}
}

func (a *Archive) gather(ctx context.Context, s Source) error {
	stored, err := s.Ledger.Result(ctx, s.Month)
	if err != nil {
		return err
	}
	recorded, err := s.Ledger.Closing(ctx, s.Month)
	if err != nil {
		return err
	}
	key, err := sealedWith(ctx, s, recorded)
	if err != nil {
		return err
	}
	a.addBytes("seal.pub", key)
	if err := a.addLedger(ctx, s.Ledger); err != nil {
		return err
	}
	a.addBytes("closing/accounts.yaml", recorded.Accounts)
	for name, text := range recorded.Books {
		a.addBytes("closing/books/"+plain(strings.TrimSuffix(name, ".yaml"))+".yaml", text)
	}
	if err := a.addClosed(ctx, s, stored); err != nil {
		return err
	}
	a.addBytes("usage.json", append(bytes.Clone(stored.Document), '\n'))
	if err := a.addInvoices(ctx, s, ""); err != nil {
		return err
	}
	if err := a.addState(ctx, s, recorded); err != nil {
		return err
	}
	a.sort()
	return a.finish()
}

// sealedWith returns the public key that the month was sealed with, by its rules: another than the present one, where that replaced it since.
func sealedWith(ctx context.Context, s Source, recorded ledger.Closing) ([]byte, error) {
	book, err := checkpoint.OpenTopic(s.Bucket, recorded.Topic, recorded.TopicID).Rules(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	rules, err := book.MonthRules(s.Month)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	key, err := rules.PublicKey()
	if err != nil {
		return nil, err
	}
	if present, err := signed.ParseSealPublicKey(s.PublicKey); err == nil && present.Equal(key) {
		return s.PublicKey, nil
	}
	return signed.MarshalPublicKey(key)
}

func (a *Archive) sort() {
	slices.SortFunc(a.manifest.Files, func(a, b item) int { return strings.Compare(a.Name, b.Name) })
}

// finish hashes the files and writes the manifest.
func (a *Archive) finish() error {
	for i := range a.manifest.Files {
		if err := a.manifest.Files[i].sum(); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(a.manifest); err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	a.text = b.Bytes()
	return nil
}

// Files says how many files the archive holds, the manifest with them.
func (a *Archive) Files() int { return len(a.manifest.Files) + 1 }

// Close removes temporary files.
func (a *Archive) Close() {
	if a.temp != nil {
		a.temp.Close()
	}
}

func (a *Archive) addBytes(name string, text []byte) {
	a.manifest.Files = append(a.manifest.Files, item{Name: name, open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }})
}

// addLedger writes the ledger's lines to a temporary file: they do not fit the memory of every machine.
func (a *Archive) addLedger(ctx context.Context, l *ledger.Ledger) (err error) {
	if a.temp, err = os.CreateTemp("", "headcount-export-"); err != nil {
		return err
	}
	_ = os.Remove(a.temp.Name()) // it lives as long as it is open
	if err := l.Export(ctx, a.temp); err != nil {
		return err
	}
	size, err := a.temp.Seek(0, io.SeekCurrent)
	a.manifest.Files = append(a.manifest.Files, item{Name: "ledger.jsonl", open: func() (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(a.temp, 0, size)), nil
	}})
	return err
}

// addClosed takes the closed records that the ledger has sent: of the month, of the newest, and of months that were amended. The
// first of a month is its close's, further ones are of its amendments.
func (a *Archive) addClosed(ctx context.Context, s Source, stored ledger.Result) error {
	months, err := s.Ledger.Months(ctx)
	if err != nil {
		return err
	}
	newest, _, err := s.Ledger.LastClosed(ctx)
	if err != nil {
		return err
	}
	for _, m := range months {
		if m.Closed.IsZero() {
			continue
		}
		amendments, err := s.Ledger.Amendments(ctx, m.Month)
		if err != nil {
			return err
		}
		r, err := s.Ledger.Result(ctx, m.Month)
		if err != nil {
			return err
		}
		if m.Month != stored.Month && m.Month != newest && len(amendments) == 0 && len(r.Outbox) < 2 { // the newest covers it
			continue
		}
		for i, message := range r.Outbox {
			name := "closed/" + m.Month.String() + ".json"
			if i > 0 {
				name = fmt.Sprintf("closed/%s.%d.json", m.Month, i+1)
			}
			a.addBytes(name, message)
		}
	}
	return nil
}

// addInvoices adds the month's invoices, of one account or, where that is empty, of all.
func (a *Archive) addInvoices(ctx context.Context, s Source, account string) error {
	invoices, err := s.Ledger.Invoices(ctx, s.Month)
	if err != nil {
		return err
	}
	documents := []json.RawMessage{}
	for _, v := range invoices {
		if account == "" || v.Account == account {
			documents = append(documents, v.Document)
		}
	}
	text, err := canonical.Marshal(map[string]any{"invoices": documents})
	if err != nil {
		return fmt.Errorf("invoices: %w", err)
	}
	a.addBytes("invoices.json", append(text, '\n'))
	return nil
}

// addState takes rules and sealed months from the state store.
func (a *Archive) addState(ctx context.Context, s Source, of ledger.Closing) error {
	topic := checkpoint.OpenTopic(s.Bucket, of.Topic, of.TopicID)
	if err := a.addRules(ctx, s.Bucket, topic); err != nil {
		return err
	}
	if err := a.addSealed(ctx, s.Bucket, topic, of, s.Month); err != nil {
		return err
	}
	if err := a.addLosses(ctx, s, topic, of); err != nil {
		return err
	}
	if of.Previous == nil {
		return nil
	}
	former, err := s.Ledger.Closing(ctx, of.Previous.Month)
	if err != nil {
		return err
	}
	if former.TopicID != of.TopicID {
		topic = checkpoint.OpenTopic(s.Bucket, former.Topic, former.TopicID)
		if err := a.addRules(ctx, s.Bucket, topic); err != nil {
			return err
		}
	}
	return a.addSealed(ctx, s.Bucket, topic, former, s.Month-1)
}

func (a *Archive) addRules(ctx context.Context, bucket checkpoint.Bucket, topic *checkpoint.Topic) error {
	names, err := topic.RulesFiles(ctx)
	if err != nil {
		return fmt.Errorf("list rules: %w", err)
	}
	for _, name := range names {
		a.addStored(ctx, bucket, name)
	}
	return nil
}

func (a *Archive) addSealed(ctx context.Context, bucket checkpoint.Bucket, topic *checkpoint.Topic, of ledger.Closing, m events.Month) error {
	for _, id := range of.Partitions {
		index, data, err := partitionOf(topic, of, id).SealedFiles(ctx, m)
		if err != nil {
			return fmt.Errorf("partition %d, sealed month %s: %w", id, m, err)
		}
		a.addStored(ctx, bucket, index)
		a.addStored(ctx, bucket, data)
	}
	return nil
}

// addLosses takes the records of losses, and the sealed indexes that say which of them concern the month.
func (a *Archive) addLosses(ctx context.Context, s Source, topic *checkpoint.Topic, of ledger.Closing) error {
	for _, id := range of.Partitions {
		names, err := partitionOf(topic, of, id).GapFiles(ctx)
		if err != nil {
			return fmt.Errorf("partition %d: %w", id, err)
		}
		if len(names) == 0 {
			continue
		}
		index, _, err := partitionOf(topic, of, id).SealedFiles(ctx, s.Month-2)
		if err == nil {
			names = append(names, index)
		} else if !errors.Is(err, checkpoint.ErrNotSealed) {
			return fmt.Errorf("partition %d: %w", id, err)
		}
		for _, name := range names {
			a.addStored(ctx, s.Bucket, name)
		}
	}
	return nil
}

func partitionOf(topic *checkpoint.Topic, of ledger.Closing, id events.Partition) *checkpoint.Partition {
	return topic.Partition(counter.Identity{Cluster: of.Cluster, TopicID: of.TopicID, Partition: id})
}

func (a *Archive) addStored(ctx context.Context, bucket checkpoint.Bucket, name string) {
	a.manifest.Files = append(a.manifest.Files, item{Name: "state/" + name, open: func() (io.ReadCloser, error) {
		f, err := bucket.Open(ctx, name)
		if err != nil {
			return nil, err
		}
		return struct {
			io.Reader
			io.Closer
		}{io.NewSectionReader(f, 0, f.Size()), f}, nil
	}})
}

// sum hashes a file.
func (i *item) sum() error {
	h := sha256.New()
	n, err := i.copy(h)
	i.Size, i.SHA256 = n, hex.EncodeToString(h.Sum(nil))
	return err
}

func (i *item) copy(w io.Writer) (int64, error) {
	f, err := i.open()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", i.Name, err)
	}
	n, err := io.Copy(w, f)
	if err = errors.Join(err, f.Close()); err != nil {
		return n, fmt.Errorf("%s: %w", i.Name, err)
	}
	return n, nil
}

// Write writes the archive, and returns its size and SHA-256. It may be called again.
func (a *Archive) Write(w io.Writer, progress func(done int64)) (int64, string, error) {
	sum := sha256.New()
	out := &counted{w: io.MultiWriter(w, sum)}
	t := tar.NewWriter(out)
	text := a.text
	head := item{Name: "manifest.json", Size: int64(len(text)), open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }}
	for _, i := range append([]item{head}, a.manifest.Files...) {
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: i.Name, Size: i.Size, Mode: 0o600, ModTime: time.Unix(0, 0), Format: tar.FormatGNU}); err != nil {
			return 0, "", fmt.Errorf("%s: %w", i.Name, err)
		}
		h := sha256.New()
		if _, err := i.copy(io.MultiWriter(t, h)); err != nil {
			return 0, "", err
		}
		if i.SHA256 != "" && hexOf(h) != i.SHA256 {
			return 0, "", fmt.Errorf("%s: it changes while it is exported", i.Name)
		}
		progress(out.n)
	}
	if err := t.Close(); err != nil {
		return 0, "", err
	}
	return out.n, hexOf(sum), nil
}

// Bytes says about how large the archive will be.
func (a *Archive) Bytes() (n int64) {
	for _, i := range a.manifest.Files {
		n += i.Size + 1024
	}
	return n
}

func hexOf(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

type counted struct {
	w io.Writer
	n int64
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// plain makes one harmless element of a file name.
func plain(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
