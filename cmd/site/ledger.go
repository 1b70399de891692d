package site

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/events"
	"headcount/rating/ledger"
)

// Ledger opens the ledger that the configuration names, by one of package ledger's Open, OpenReadOnly and Create. Its errors are theirs, or
// a *config.Error. A connection that others could read, or answer, is warned of once in a process.
func Ledger(ctx context.Context, c *config.Config, logger *slog.Logger, open func(context.Context, string) (*ledger.Ledger, error)) (*ledger.Ledger, error) {
	url, err := c.LedgerURL()
	if err != nil {
		return nil, err
	}
	if why := ledger.Unverified(url.Reveal()); why != "" {
		unverified.Do(func() { logger.Warn("ledger: "+why, "remedy", UnverifiedRemedy) })
	}
	l, err := open(ctx, url.Reveal())
	if err == nil {
		l.UseZones(events.LoadZone)
	}
	return l, err
}

// unverified keeps a command that opens the ledger several times from saying it again.
var unverified sync.Once

// UnverifiedRemedy is what to do about ledger.Unverified.
const UnverifiedRemedy = "add sslmode=verify-full to the ledger's URL, and sslrootcert=FILE where the system does not know the server's authority"

// LedgerFailure is what an error of Ledger means to a user: a mistake in the configuration, or a ledger that cannot be reached.
func LedgerFailure(err error) error {
	if _, mistake := errors.AsType[*config.Error](err); mistake || err == nil {
		return err
	}
	return cli.Fail(cli.Unreachable, "ledger: %w", err)
}
