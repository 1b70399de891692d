package sim

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/rating"
	"headcount/rating/ledger"
	"headcount/rollup/closed"
	"headcount/rollup/closing"
	"headcount/rollup/usage"
)

// ledgerOf opens the ledger.
type ledgerOf interface {
	open() (closing.Ledger, error)
	create() (closing.Ledger, error)
}

// shelf is where the books in memory are; nil: not made yet.
type shelf struct {
	w *World
	b *books
}

func (s *shelf) open() (closing.Ledger, error) {
	if s.b == nil {
		return nil, ledger.ErrMissing
	}
	return s.b, nil
}

func (s *shelf) create() (closing.Ledger, error) {
	if s.b != nil {
		return nil, ledger.ErrExists
	}
	s.b = newBooks(s.w)
	return s.b, nil
}

// place is what one close opens.
type place struct {
	w *World
	p *process
}

var _ closing.Site = place{}

func (s place) OpenLedger(context.Context) (closing.Ledger, error) { return s.ledger(s.w.books.open) }
func (s place) CreateLedger(context.Context) (closing.Ledger, error) {
	return s.ledger(s.w.books.create)
}

func (s place) ledger(open func() (closing.Ledger, error)) (closing.Ledger, error) {
	d := &distant{p: s.p}
	if err := d.call(); err != nil {
		return nil, err
	}
	var err error
	if d.Ledger, err = open(); err != nil {
		return nil, err
	}
	return d, d.late()
}

func (s place) Prices() ([]byte, map[string][]byte, error) {
	return fmt.Appendf(nil, accountsFile, 25+s.w.contracts), map[string][]byte{"sim.yaml": []byte(bookFile)}, nil
}

func (s place) Connect(context.Context) (*closing.Connection, error) {
	if err := s.w.request(s.p); err != nil {
		return nil, err
	}
	bucket, err := s.w.bucket(s.p)
	if err != nil {
		return nil, err
	}
	topic := *s.w.topic
	return &closing.Connection{
		Log: client(s), Topic: &topic, State: checkpoint.OpenTopic(bucket, topic.Name, topic.ID), Bucket: bucket,
		Template: s.w.template, Close: func() {},
	}, nil
}

// holdLeast, a tenth of wrong clocks, a fifth of dead letters and quantityJump: past these an invoice is held.
const holdLeast = 5

var holding = func() usage.Limits {
	l := usage.DefaultLimits()
	l.HoldLeast, l.SkewLimit, l.RejectLimit = holdLeast, usage.Share{Decimal: decimal.New(1, -1)}, usage.Share{Decimal: decimal.New(2, -1)}
	l.QuantityJump, l.FarLimit = quantityJump, usage.Share{Decimal: decimal.New(1, 0)}
	return l
}()

// issuer numbers the invoices: those of a year together, and credit notes with them.
var issuer = &rating.Issuer{Name: "Simulation", Invoice: "{year}-{n}", Credit: "{year}-{n}"}

// groupName is the group that the processes are of.
func (w *World) groupName() string {
	if w.alone {
		return ""
	}
	return "headcount"
}

// close is what `rollup close` does.
func (w *World) close(p *process, m events.Month) (*closed.Result, error) {
	closer := &closing.Closer{
		Site: place{w, p}, Keys: w.keys, SealKey: sealKey, Log: p.log, OpenBooks: true,
		Terms:    closing.Terms{Zone: w.zoneName, Grace: 24 * time.Hour, Limits: holding, From: w.from, Issuer: issuer},
		Names:    closing.Names{State: "sim://state", Ledger: "sim://ledger", Template: "sim://template", Keys: "sim://keys"},
		Group:    w.groupName(),
		Interval: w.interval, Clock: clock{w, p}, Go: p.run, Random: w,
	}
	return closer.Close(p.ctx, m)
}
