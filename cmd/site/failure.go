package site

import (
	"context"
	"errors"

	"headcount/cmd/cli"
	"headcount/counter/checkpoint"
	"headcount/counter/checkpoint/object"
	"headcount/events"
	"headcount/events/identity"
	"headcount/events/stream"
	"headcount/ingest/keys"
	"headcount/ingest/recount"
	"headcount/ingest/worker"
	"headcount/rating/ledger"
	"headcount/rollup/amend"
	"headcount/rollup/closed"
	"headcount/rollup/closing"
	"headcount/rollup/export"
	"headcount/rollup/status"
)

// FailureOf says an error of the packages below in the programs' words, where they name a command, a flag or a setting, and gives it its
// exit code. What it does not know, and what is said already, it returns as it is: its code is cli.Code's. A Failure has its code and its
// words; what its parts want spelled out is added all the same.
func FailureOf(err error) error {
	if _, said := errors.AsType[*spelled](err); err == nil || said {
		return err
	}
	return spell(coded(err))
}

// coded gives an error its exit code, where one of failures knows it.
func coded(err error) error {
	if _, said := errors.AsType[*cli.Failure](err); said {
		return err
	}
	for _, known := range failures {
		if remedy, ok := known.remedy(err); ok {
			return cli.Fail(known.code, "%w%s", err, remedy)
		}
	}
	return err
}

// failure is an error of the packages below: its exit code, and what is said behind it.
type failure struct {
	code   int
	remedy func(err error) (text string, ok bool) // false: it is another error
}

// failures are tried in this order.
var failures = []failure{
	// a ledger that is not what it must be; it may be wrapped as what could not be reached
	of(cli.CheckFailed, func(*ledger.UnguardedError) string { return " (`rollup verify` compares every row)" }),
	of[*ledger.Difference](cli.CheckFailed, nil),
	// what may be tried again
	of[*closed.UnreachableError](cli.Unreachable, nil),
	of[*recount.UnreachableError](cli.Unreachable, nil),
	of(cli.Unreachable, func(*closing.TimedOutError) string {
		return ": see that `ingest run` is up and reads them, then run the close again"
	}),
	of[*object.UnreachableError](cli.Unreachable, nil),
	of[*object.RefusedError](cli.Usage, nil),
	of[*object.UnfitError](cli.Usage, nil),
	// a month
	of(cli.CheckFailed, func(e *closing.NotClosedBeforeError) string {
		return " (`rollup close --month " + e.Before.String() + "`, or --due for all)"
	}),
	of[*closing.BeforeBooksError](cli.CheckFailed, nil),
	of(cli.CheckFailed, func(*closing.GoesOnError) string { return " (--yes closes it all the same)" }),
	of(cli.CheckFailed, func(*closing.NoEventsError) string {
		return " (--yes closes it all the same; billing.auto_close: true always does, where the log goes on after it)"
	}),
	of(cli.CheckFailed, func(e *closing.SeveralDueError) string {
		return " (`rollup close --month " + e.Months[0].String() + "` and on, --yes for all; billing.auto_close: true always closes all)"
	}),
	of(cli.CheckFailed, unopened),
	of(cli.CheckFailed, func(e *closed.NotClosedError) string {
		return ": `rollup close --month " + e.Month.String() + "` closes it"
	}),
	of(cli.CheckFailed, func(e *closing.NotFollowedError) string {
		if !e.Lost {
			return ""
		}
		return "; run the close again while `ingest run --accept-gap` reads: the sealed month stands, with the loss on record and the invoices held; " +
			"else restore topic " + e.Topic + " from its backup, or a checkpoint made after that seal from the state store's backup"
	}),
	of(cli.CheckFailed, func(e *closed.SealedMonthLostError) string {
		if e.Former != "" {
			return ""
		}
		return ": `rollup verify --month " + e.Month.String() + "` says what is wrong with it; restore it from the state store's backup"
	}),
	of[*closed.OlderLedgerError](cli.CheckFailed, nil),
	of(cli.CheckFailed, func(e *closed.NotAsBilledError) string {
		return "; see `rollup verify --month " + e.Month.String() + "`"
	}),
	of(cli.CheckFailed, func(e *export.IncompleteError) string {
		return ": `rollup verify --month " + e.Month.String() + "` says more"
	}),
	of[*export.NoAccountError](cli.Usage, nil),
	of[*status.UnpricedError](cli.Usage, nil),
	like(amend.ErrSame, cli.Usage, "; there is nothing to amend"),
	of[*amend.NoQuantityError](cli.Usage, nil),
	of[*amend.NoReporterError](cli.Usage, nil),
	of(cli.CheckFailed, func(*recount.CutLogError) string { return ": run `ingest run --accept-gap` first" }),
	of(cli.CheckFailed, func(e *recount.BeingReadError) string {
		return ": stop every `ingest run` of group " + e.Group + " first"
	}),
	// the policy
	of(cli.Usage, func(e *worker.MonthDiffersError) string { return ": `ingest recount --month " + e.Month.String() + "`" }),
	of(cli.Usage, func(e *checkpoint.RulesDifferError) string {
		if !e.Bounds {
			return ""
		}
		return " (billing.from, limits.months_back): `ingest recount --month M`, of any open month"
	}),
	of(cli.Usage, func(*recount.BooksOpenError) string { return " (billing.from, limits.months_back)" }),
	of[*worker.TemplateError](cli.Usage, nil),
	of[*worker.KeyMissingError](cli.Usage, nil),
	like(identity.ErrUnknownKey, cli.Usage, ""),
	like(events.ErrVersion, cli.Usage, ""),
	like(checkpoint.ErrVersion, cli.Usage, ""),
	of(cli.CheckFailed, func(*worker.SiblingError) string { return ": `ingest run --accept-gap`" }),
	// keys
	of[*keys.LostGUIDKeyError](cli.Usage, nil),
	of(cli.Usage, func(*keys.LostSealKeysError) string {
		return "; if they are lost, `ingest init --new-seal-key` makes new ones, and the open months must be counted again (`ingest recount`)"
	}),
	of[*keys.BadSealKeyError](cli.Usage, nil),
	of[*keys.NotWritableError](cli.Usage, nil),
	// counting
	of(cli.Unreachable, func(*worker.UnreadError) string {
		return ": see that those processes are well, or stop them, so that this one gets their partitions"
	}),
	of[*worker.Halted](cli.CheckFailed, nil),
	like(stream.ErrUnreachable, cli.Unreachable, ""),
	like(context.DeadlineExceeded, cli.Unreachable, ""),
}

// of is the failure of an error type; nil: nothing is said behind it.
func of[E error](code int, remedy func(E) string) failure {
	return failure{code, func(err error) (string, bool) {
		e, ok := errors.AsType[E](err)
		if !ok || remedy == nil {
			return "", ok
		}
		return remedy(e), true
	}}
}

// like is the failure of a sentinel.
func like(sentinel error, code int, remedy string) failure {
	return failure{code, func(err error) (string, bool) { return remedy, errors.Is(err, sentinel) }}
}

// unopened says how the books are opened.
func unopened(e *closing.UnopenedError) string {
	if e.Month == 0 {
		return "; say it in the configuration (billing.from), or open them with `rollup close --month M --open-books`, or with the oldest month that somebody is billed for (--due --open-books)"
	}
	return "; close the first that is to be billed (`rollup close --month " + e.Events[0].Month.String() + "`), or go on without them (--open-books), or say where the books open in the configuration (billing.from)"
}
