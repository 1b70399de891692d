package recount

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"headcount/verify/chain"
	"headcount/verify/report"
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

// Begin begins to show long work: what is done, in which unit, up to which total. nil shows nothing.
type Begin func(what, unit string, total int64) Progress

// Begin is b, and shows nothing where that is nil.
func (b Begin) Begin(what, unit string, total int64) Progress {
	if b == nil {
		return silent{}
	}
	return b(what, unit, total)
}

type silent struct{}

func (silent) Set(int64) {}
func (silent) End()      {}

// ErrUnreachable wraps what says that log or state cannot be reached.
var ErrUnreachable = errors.New("cannot be reached")

func unreachable(err error) error { return fmt.Errorf("%w: %w", ErrUnreachable, err) }

// Config says where everything lies that is counted.
type Config struct {
	Log     Log // nil: the sealed files alone are counted
	Files   Files
	Keys    []byte // the file of GUID keys
	SealKey []byte // the file of the seals' public key

	FormerKeys [][]byte // files of public keys that it replaced

	Keyless bool   // there may be no GUID keys: an archive has none
	Facts   int    // held in memory; 0: 4 million
	Folder  string // of temporary files; empty: the system's
	Begin   Begin
	Zones   Zones
	All     bool // the log is read from its beginning, also where a seal is a place to begin at
}

// Subject is a closed month of a topic that is counted again, with the rules it is counted by. Once it is open nothing of it changes.
type Subject struct {
	Config
	Month       Month
	Closing     chain.Closing
	Before      Month         // of the closing before; 0: there is none
	Former      chain.Closing // that one
	Rules       *Rules        // the month's
	FormerRules *Rules        // of the month before, in this topic; nil: none that can be read
	Earlier     []Earlier     // closings of this topic before that one, newest first
	Zone        *time.Location
	TimeZone    string // its name, by the topic's rules

	// OtherKey says that the month's rules name another seal key than the public key file has: it is for who checks the signed records to say
	// whether that is right (WrongKey).
	OtherKey bool

	present ed25519.PublicKey // that of the file; nil: none can be read
	folder  string            // of the topic's state
	book    *book
}

// Open reads the rules and keys that a closing is counted by, and compares them with it. former is the closing before, where there is
// one; Earlier is for the caller to fill in. fixed has, of the topic's months that have a closing, the hash of the rules that it names.
func Open(ctx context.Context, c Config, closing chain.Closing, former *chain.Closing, fixed map[string]string, r *report.Report) (*Subject, error) {
	if c.Facts == 0 {
		c.Facts = 4_000_000
	}
	s := &Subject{Config: c, Closing: closing, folder: folderOf(&closing)}
	var ok bool
	if s.Month, ok = ParseMonth(closing.Month); !ok {
		return nil, fmt.Errorf("month %q: want the form 2026-10", closing.Month)
	}
	if former != nil {
		s.Former = *former
		if s.Before, ok = ParseMonth(former.Month); !ok {
			return nil, fmt.Errorf("the closing of %s follows %q, which is no month", closing.Month, former.Month)
		}
	}
	keys, err := readKeys(c.Keys)
	if err != nil {
		return nil, &report.Unreadable{What: "keys", File: "GUID key file", Want: "a key of 32 hex digits a line", Err: err}
	}
	public, err := readPublicKey(c.SealKey)
	if err != nil {
		r.Wrong("keys", "seal public key file", "an Ed25519 public key", err.Error())
	}
	if s.book, err = readRules(ctx, c.Files, c.Zones, s.folder, fixed, keys, r); err != nil {
		return nil, err
	}
	s.Zone, s.TimeZone = s.book.zone, s.book.topic.TimeZone
	s.FormerRules = s.book.months[s.Before]
	if s.Rules = s.book.months[s.Month]; s.Rules == nil {
		return nil, &report.Unreadable{What: "rules", File: s.folder + "/rules/" + closing.Month + ".json", Want: "the rules of the month", Err: errors.New("none that can be read")}
	}
	s.present = public
	s.OtherKey = public != nil && !public.Equal(s.Rules.public)
	for _, text := range c.FormerKeys {
		if former, err := readPublicKey(text); err == nil && former.Equal(s.Rules.public) {
			s.OtherKey = false
		}
	}
	if public != nil && !s.OtherKey {
		r.Count("keys", 1)
	}
	if s.Rules.guid == nil && (!c.Keyless || len(keys) > 0) {
		r.Wrong("keys", "GUID key file", "the key "+s.Rules.KeyID+" that the month's rules name", fmt.Sprintf("keys %s", strings.Join(slices.Sorted(maps.Keys(keys)), ", ")))
		if s.Log != nil {
			r.Remark("without the GUID key the log cannot be counted again: only the sealed files were checked")
			s.Log = nil
		}
	}
	r.Same("time zone", closing.Zone, s.TimeZone, "the ledger's closing of %s", closing.Month)
	return s, nil
}

// IsPresentKey says whether a key is the public key file's.
func (s *Subject) IsPresentKey(key ed25519.PublicKey) bool {
	return s.present != nil && key != nil && s.present.Equal(key)
}

// WrongKey says that the month's seal key is another than it must be.
func (s *Subject) WrongKey(r *report.Report) {
	id := func(key ed25519.PublicKey) string { return base64.StdEncoding.EncodeToString(key) }
	r.Wrong("keys", s.Rules.file+": seal_key, by the public key file", id(s.present),
		id(s.Rules.public)+"; where the key was replaced, the next close vouches for the former one, or the file of that one, kept beside the present one's")
}

// SealKeyOf returns the public key that the rules of a month name; nil where there are none.
func (s *Subject) SealKeyOf(m Month) ed25519.PublicKey {
	if rules := s.book.months[m]; rules != nil {
		return rules.public
	}
	return nil
}

// elsewhere says whether the closing before was of another topic of the same name.
func (s *Subject) elsewhere() bool { return s.Before != 0 && s.Former.TopicID != s.Closing.TopicID }

// inFormer says whether the closing before listed a partition of this topic.
func (s *Subject) inFormer(id int32) bool {
	return !s.elsewhere() && slices.Contains(s.Former.Partitions, id)
}

// indexOf names the index of a partition's sealed month.
func (s *Subject) indexOf(id int32, month string) string {
	return fmt.Sprintf("%s/%d/sealed/%s.index", s.folder, id, month)
}

// readFile reads a small file.
func readFile(ctx context.Context, files Files, name string) ([]byte, error) {
	f, err := files.Open(ctx, name)
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

// folderOf returns where the state store has what belongs to a closing's topic.
func folderOf(c *chain.Closing) string { return Escape(c.Topic) + "/" + Escape(c.TopicID) }

// Escape writes a topic's name or id as the state store does.
func Escape(word string) string {
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
