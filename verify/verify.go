package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headcount/verify/chain"
	"headcount/verify/recount"
	"headcount/verify/report"
)

// Config says what is verified, and where everything lies.
type Config struct {
	recount.Config
	Month    string
	Ledger   *chain.Ledger
	Archive  *Archive // nil, or: where Files, Ledger and SealKey come from; Log is nil then, and Keys may be empty
	Accounts []byte   // the accounts file as it is now; nil: not looked at
}

// ErrUnreachable wraps what says that log, state or ledger cannot be reached.
var ErrUnreachable = recount.ErrUnreachable

// ErrNotClosed says that the month is not closed.
var ErrNotClosed = errors.New("is not closed")

// Run verifies a closed month. An error says that it could not be done: ErrUnreachable, ErrNotClosed, or why the log cannot be
// counted. Differences are in the report.
func Run(ctx context.Context, c Config) (*report.Report, error) {
	r := report.New(c.Month)
	heads, err := verify(ctx, c, r)
	broken, unreadable := errors.AsType[*report.Unreadable](err)
	switch {
	case unreadable: // without it there is nothing to go on with
		r.Unreadable(broken)
		r.Remark("the month was not counted to the end: %s cannot be read", broken.File)
		if err := walkChain(ctx, c.Ledger, heads, r); err != nil {
			return nil, err
		}
	case errors.Is(err, ErrNotClosed): // or what says that it is was taken away
		if walk := walkChain(ctx, c.Ledger, heads, r); walk != nil || len(r.Differences) == 0 {
			return nil, err
		}
		r.Remark("%s", err)
	case err != nil:
		return nil, err
	}
	r.OK = len(r.Differences) == 0
	return r, nil
}

// verify opens the month, counts it again, and compares what that came to, each with the ledger: what was lost, the usage, an archive's
// copies, the invoices, the chain. It returns the ledger's heads that were published; with an error, those that were found before it.
func verify(ctx context.Context, c Config, r *report.Report) (heads []string, err error) {
	m, err := open(ctx, c, r)
	if err != nil {
		return nil, err
	}
	sealed := recount.OpenSealed(ctx, m.subject, r)
	defer sealed.Close()
	losses, err := recount.ReadLosses(ctx, m.subject, sealed, r)
	if err != nil {
		return nil, err
	}
	checkHeld(m, losses, r)
	records := closedRecords{month: m, r: r, inLog: map[string]bool{}, ignored: map[int32]ignored{}, archive: c.Archive}
	n, err := recount.Count(ctx, m.subject, recount.Input{Sealed: sealed, Losses: losses, Sets: m.sets, LateSets: m.former.sets(), Closed: records.takeLogged}, r)
	records.remark()
	if err != nil {
		return records.heads, err
	}
	checkUsage(m, n, r)
	if err := checkFormer(ctx, m, n, r); err != nil {
		return records.heads, err
	}
	if c.Archive != nil {
		if err := checkArchive(ctx, m, c.Archive, r); err != nil {
			return records.heads, err
		}
	}
	if err := checkInvoices(ctx, m, n, r); err != nil {
		return records.heads, err
	}
	if err := checkGiven(ctx, m, r); err != nil {
		return records.heads, err
	}
	return records.checkLedger(ctx, n.FromLog)
}

// checkHeld says which losses concern the month. What was on record when the close began holds the month's invoices; what was
// accepted later may have come when all was sealed and billed.
func checkHeld(m *closedMonth, losses recount.Losses, r *report.Report) {
	for _, x := range losses.Concerning {
		if !x.Accepted.Before(m.subject.Closing.At) {
			r.Remark("%s, after the close of %s had begun, on %s", x, m.name, m.subject.Closing.At.Format(time.RFC3339))
			continue
		}
		r.Remark("%s: the invoices of %s are to be held", x, m.name)
		for i := range m.prices.invoices {
			if y := &m.prices.invoices[i]; y.Month == m.name && y.Revision == 1 {
				r.Same("accepted losses", y.Status, "held", "%s: status, by %s", y.place(), x.File())
			}
		}
	}
}

// walkChain walks the ledger's chain, and looks for the heads that were published.
func walkChain(ctx context.Context, l *chain.Ledger, heads []string, r *report.Report) error {
	w, err := l.Walk(ctx, heads...)
	d, differs := errors.AsType[*chain.Difference](err)
	switch {
	case differs:
		r.Wrong("ledger chain", fmt.Sprintf("entry %d (%s): %s %s %s", d.Seq, d.Kind, d.Table, d.Row, d.Column), d.Want, d.Got)
	case errors.Is(err, chain.ErrUnreachable):
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	case err != nil:
		r.Wrong("ledger chain", l.String(), "a chain that can be walked", err.Error())
	default:
		r.Count("ledger chain", w.Entries+w.Rows)
	}
	return nil
}

// inLedger says that the ledger cannot be reached, or which of its rows cannot be read.
func inLedger(err error) error {
	if errors.Is(err, chain.ErrUnreachable) {
		return fmt.Errorf("%w: ledger: %w", ErrUnreachable, err)
	}
	return &report.Unreadable{What: "ledger chain", File: "ledger", Want: "rows that can be read", Err: err}
}
