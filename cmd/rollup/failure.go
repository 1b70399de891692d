package main

import (
	"errors"

	"headcount/cmd/cli"
	"headcount/cmd/site"
	"headcount/rollup/amend"
	"headcount/rollup/closed"
	"headcount/rollup/closing"
	"headcount/rollup/export"
)

// explain says the errors of the packages below in this command's words, where they name another command or a flag, and gives each
// its exit code; 1 where nothing is said.
func explain(err error) error {
	if _, said := errors.AsType[*cli.Failure](err); err == nil || said {
		return err
	}
	var (
		before      *closing.NotClosedBeforeError
		open        *closed.NotClosedError
		followed    *closing.NotFollowedError
		lost        *closed.SealedMonthLostError
		differ      *closed.NotAsBilledError
		late        *closing.TimedOutError
		unreachable *closed.UnreachableError
		incomplete  *export.IncompleteError
	)
	switch {
	case errors.As(err, &unreachable):
		return cli.Fail(cli.Unreachable, "%w", err)
	case errors.As(err, &late):
		return cli.Fail(cli.Unreachable, "%w: see that `ingest run` is up and reads them, then run the close again", err)
	case errors.As(err, &before):
		return cli.Fail(cli.CheckFailed, "%w (`rollup close --month %s`, or --due for all)", err, before.Before)
	case errors.As(err, &open):
		return cli.Fail(cli.CheckFailed, "%w: `rollup close --month %s` closes it", err, open.Month)
	case errors.As(err, &followed) && followed.Lost:
		return cli.Fail(cli.CheckFailed, "%w; run the close again while `ingest run --accept-gap` reads: the sealed month stands, with the loss on record and the invoices held; else restore topic %s from its backup, or a checkpoint made after that seal from the state store's backup", err, followed.Topic)
	case errors.As(err, &lost) && lost.Former == "":
		return cli.Fail(cli.CheckFailed, "%w: `rollup verify --month %s` says what is wrong with it; restore it from the state store's backup", err, lost.Month)
	case errors.As(err, &differ):
		return cli.Fail(cli.CheckFailed, "%w; see `rollup verify --month %s`", err, differ.Month)
	case errors.As(err, &incomplete):
		return cli.Fail(cli.CheckFailed, "%w: `rollup verify --month %s` says more", err, incomplete.Month)
	case errors.Is(err, amend.ErrSame):
		return cli.Fail(cli.Usage, "%w; there is nothing to amend", err)
	}
	return site.Explain(err)
}
