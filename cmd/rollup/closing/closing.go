// Package closing closes a month: the closing's row, a seal to every partition, the sealed facts united, rated and recorded.
//
// Each step can be repeated. Before the closing's row nothing is written; after it every run adopts that row and goes on from
// where the last one was: seals are repeated only where a partition has none, sealed files are created once, the ledger commits
// once, and the closed record is sent until it is marked as sent.
package closing

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"sync"
	"time"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/ingest/worker"
	"headcount/cmd/site"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/stream"
	"headcount/rating"
	"headcount/rating/ledger"
)

// Closer closes months. All fields are required but where said.
type Closer struct {
	Config  *config.Config
	Site    Site // nil: what Config names
	Keys    *events.Keyring
	SealKey ed25519.PrivateKey
	Log     *slog.Logger
	Program *cli.Program                   // for progress
	Timeout time.Duration                  // of the wait for sealed months; 0: none
	Clock   worker.Clock                   // nil: the host's
	Go      func(func() error) worker.Task // as worker.Config has it
	Random  io.Reader                      // of seal ids; nil: the system's
}

// work is a close under way.
type work struct {
	*Closer
	month    events.Month
	template *events.Template
	bucket   checkpoint.Bucket
	conn     *Connection // nil: not reached yet
	topic    *stream.Topic
	state    *checkpoint.Topic
	ledger   Ledger // nil: does not exist yet
	closing  ledger.Closing
	before   *work           // of the month before; nil: not read yet
	ends     map[int32]int64 // of the partitions that were given a seal, after it
	counted  map[int32]int64 // up to where this close itself has counted
}

// Close closes a month, or prints what is stored where it is closed already.
func (c *Closer) Close(ctx context.Context, month events.Month) (*Result, error) {
	w := c.begin(month)
	defer w.end()
	if err := w.openLedger(ctx); err != nil {
		return nil, err
	}
	if stored, err := w.stored(ctx); stored != nil || err != nil {
		if err == nil {
			err = w.announceLater(ctx)
		}
		return stored, err
	}
	if err := w.check(ctx); err != nil {
		return nil, err
	}
	if err := w.adopt(ctx); err != nil {
		return nil, err
	}
	if err := w.seal(ctx); err != nil {
		return nil, err
	}
	if err := w.wait(ctx); err != nil {
		return nil, err
	}
	if err := w.settle(ctx); err != nil {
		return nil, err
	}
	if err := w.announce(ctx); err != nil {
		return nil, err
	}
	return w.stored(ctx)
}

func (w *work) end() {
	if w.conn != nil {
		w.conn.Close()
	}
	if w.ledger != nil {
		_ = w.ledger.Close()
	}
}

// begin returns the work of closing a month, with what was left out of the closer filled in.
func (c *Closer) begin(month events.Month) *work {
	filled := *c
	if c.Site == nil {
		filled.Site = &configured{c}
	}
	if c.Clock == nil {
		filled.Clock = worker.Host{}
	}
	if c.Go == nil {
		filled.Go = worker.Host{}.Go
	}
	if c.Random == nil {
		filled.Random = rand.Reader
	}
	return &work{Closer: &filled, month: month}
}

func (w *work) openLedger(ctx context.Context) error {
	l, err := w.Site.OpenLedger(ctx)
	if errors.Is(err, ledger.ErrMissing) {
		return nil
	}
	if err != nil {
		return cli.Fail(cli.Unreachable, "ledger: %w", err)
	}
	w.ledger = l
	return nil
}

// connect reaches log and state.
func (w *work) connect(ctx context.Context) (err error) {
	if w.conn, err = w.Site.Connect(ctx); err != nil {
		return err
	}
	w.template, w.bucket, w.topic, w.state = w.conn.Template, w.conn.Bucket, w.conn.Topic, w.conn.State
	return nil
}

// check refuses what must not be closed now. It writes nothing.
func (w *work) check(ctx context.Context) error {
	zone := w.Config.Zone()
	after := time.Date(w.month.Year(), w.month.Calendar()+1, 1, 0, 0, 0, 0, zone)
	now := w.Clock.Now()
	if now.Before(after) {
		return cli.Fail(cli.CheckFailed, "month %s is not over: it ends at %s (%s)", w.month, after.Format(time.RFC3339), w.Config.Billing.TimeZone)
	}
	if due := after.Add(time.Duration(w.Config.Billing.Grace)); now.Before(due) {
		return cli.Fail(cli.CheckFailed, "month %s can be closed from %s on: billing.grace of %s has not passed since it ended", w.month, due.Format(time.RFC3339), time.Duration(w.Config.Billing.Grace))
	}
	if w.ledger != nil {
		closed, ok, err := w.ledger.LastClosed(ctx)
		if err != nil {
			return cli.Fail(cli.Unreachable, "ledger: %w", err)
		}
		if ok {
			if w.month < closed {
				return cli.Fail(cli.CheckFailed, "month %s lies before the last closed one, %s, and was never closed itself: the books opened later; it cannot be billed", w.month, closed)
			}
			if w.month > closed+1 {
				return cli.Fail(cli.CheckFailed, "month %s is not closed: close it first (`rollup close --month %s`, or --due for all)", closed+1, closed+1)
			}
		}
	}
	if err := w.checkPrices(); err != nil {
		return err
	}
	if err := w.connect(ctx); err != nil {
		return err
	}
	if err := site.CheckRules(ctx, w.Config, w.state, w.template, w.Keys); err != nil {
		return err
	}
	if _, err := site.CheckSiblings(ctx, w.state, w.topic, false); err != nil {
		return err
	}
	return w.checkLedger(ctx)
}

// checkLedger refuses to open the books where they were open before: partitions with sealed months belong to a ledger that is
// not this one.
func (w *work) checkLedger(ctx context.Context) error {
	sealed, err := w.state.NewestSealed(ctx)
	if err != nil || sealed == 0 {
		return err
	}
	if w.ledger == nil { // another first close may have been quicker, and have sealed since
		if err := w.openLedger(ctx); err != nil {
			return err
		}
	}
	if w.ledger != nil {
		_, err := w.ledger.Closing(ctx, sealed)
		if err == nil {
			return nil
		}
		if !errors.Is(err, ledger.ErrNotFound) {
			return cli.Fail(cli.Unreachable, "ledger: %w", err)
		}
	}
	return cli.Fail(cli.CheckFailed, "the state store %s has month %s sealed, but the ledger %s knows no closing of it: it is not the ledger that this state belongs to; restore that one from its backup", w.Config.State, sealed, w.Config.Ledger)
}

// checkPrices reads accounts and books as the closing would take them.
func (w *work) checkPrices() error {
	accounts, books, err := w.Site.Prices()
	if err != nil {
		return err
	}
	w.closing.Accounts, w.closing.Books = accounts, books
	return nil
}

// adopt records the closing, or adopts the one that is recorded.
func (w *work) adopt(ctx context.Context) error {
	if w.ledger == nil {
		l, err := w.Site.CreateLedger(ctx)
		if errors.Is(err, ledger.ErrExists) { // another first close was quicker
			l, err = w.Site.OpenLedger(ctx)
		}
		if err != nil {
			return cli.Fail(cli.Unreachable, "ledger: %w", err)
		}
		w.ledger = l
	}
	closing, err := w.ledger.Closing(ctx, w.month)
	if err == nil {
		w.closing = closing
		return w.adopted(ctx)
	}
	if !errors.Is(err, ledger.ErrNotFound) {
		return cli.Fail(cli.Unreachable, "ledger: %w", err)
	}
	rules, err := w.rules(ctx, w.month)
	if err != nil {
		return err
	}
	id := make([]byte, 16)
	if _, err := io.ReadFull(w.Random, id); err != nil {
		return fmt.Errorf("make a seal id: %w", err)
	}
	c := ledger.Closing{
		Month: w.month, SealID: hex.EncodeToString(id), Cluster: w.topic.Cluster, TopicID: w.topic.ID, Topic: w.topic.Name,
		RulesHash: rules.Hash(), Zone: w.Config.Billing.TimeZone, Version: cli.ProgramVersion(), At: w.Clock.Now(),
		Accounts: w.closing.Accounts, Books: w.closing.Books,
	}
	for _, p := range w.topic.Partitions {
		c.Partitions = append(c.Partitions, p.ID)
	}
	last, ok, err := w.ledger.LastClosed(ctx)
	if err != nil {
		return cli.Fail(cli.Unreachable, "ledger: %w", err)
	}
	if ok {
		before, err := w.ledger.Closing(ctx, last)
		if err != nil {
			return cli.Fail(cli.Unreachable, "ledger: %w", err)
		}
		c.Previous = &ledger.Previous{Month: before.Month, Partitions: before.Partitions}
	}
	stored, adopted, err := w.ledger.Begin(ctx, c)
	if err != nil {
		return cli.Fail(cli.Unreachable, "ledger: %w", err)
	}
	w.closing = stored
	if adopted {
		return w.adopted(ctx)
	}
	w.Log.Info("closing begun", "month", w.month, "seal_id", stored.SealID, "partitions", len(stored.Partitions))
	return nil
}

// adopted checks that the closing that is recorded can be gone on with.
func (w *work) adopted(ctx context.Context) error {
	if w.closing.TopicID != w.topic.ID && w.closing.Cluster == w.topic.Cluster {
		return w.madeAgain(ctx)
	}
	if w.closing.Cluster != w.topic.Cluster {
		return cli.Fail(cli.CheckFailed, "the closing of %s was begun on topic id %s of cluster %s, but the configuration leads to %s of %s: point kafka.brokers at the former cluster",
			w.month, w.closing.TopicID, w.closing.Cluster, w.topic.ID, w.topic.Cluster)
	}
	rules, err := w.rules(ctx, w.month)
	if err != nil {
		return err
	}
	if rules.Hash() != w.closing.RulesHash {
		return cli.Fail(cli.CheckFailed, "the closing of %s was begun under rules %s, but those of the month in %s hash to %s: no partition would follow its seal; restore the rules as they were written",
			w.month, w.closing.RulesHash, w.Config.State, rules.Hash())
	}
	w.Log.Info("going on with the closing that was begun", "month", w.month, "seal_id", w.closing.SealID, "begun", w.closing.At)
	return nil
}

// rules returns a month's rules, fixing them where nobody has; without a template nothing is fixed.
func (w *work) rules(ctx context.Context, m events.Month) (*events.MonthRules, error) {
	book, err := w.state.Rules(ctx, w.template)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	find := book.MonthRules
	if w.template == nil {
		find = book.Known
	}
	rules, err := find(m)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	return rules, nil
}

// prices returns accounts and books as the closing has them.
func (w *work) prices() (*rating.Catalog, *rating.Accounts, error) {
	catalog, err := lastBooks.read(w.closing.Books, func() (*rating.Catalog, error) { return rating.ParseCatalog(w.closing.Books) })
	if err != nil {
		return nil, nil, fmt.Errorf("books of the closing of %s: %w", w.month, err)
	}
	accounts, err := lastAccounts.read(map[string][]byte{"": w.closing.Accounts}, func() (*rating.Accounts, error) {
		return rating.ParseAccounts("accounts of the closing", w.closing.Accounts)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("closing of %s: %w", w.month, err)
	}
	return catalog, accounts, nil
}

// The books and the accounts that were read last: a month, what came late for the one before and the next mostly have the same.
var (
	lastBooks    readings[*rating.Catalog]
	lastAccounts readings[*rating.Accounts]
)

// readings are the last few texts that were read, each by name, and what as: those of a month and of the one before alternate.
type readings[T any] struct {
	mu   sync.Mutex
	last []reading[T] // the newest first
}

type reading[T any] struct {
	texts map[string][]byte
	as    T
}

const mostReadings = 4

// read reads texts, unless they are among the last.
func (r *readings[T]) read(texts map[string][]byte, parse func() (T, error)) (T, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, known := range r.last {
		if maps.EqualFunc(known.texts, texts, bytes.Equal) {
			return known.as, nil
		}
	}
	as, err := parse()
	if err == nil {
		own := map[string][]byte{}
		for name, text := range texts {
			own[name] = bytes.Clone(text)
		}
		r.last = append([]reading[T]{{own, as}}, r.last[:min(len(r.last), mostReadings-1)]...)
	}
	return as, err
}
