package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// Copy makes a ledger on PostgreSQL of all that this one has, entry by entry, with the same hashes: the same chain, so that heads published
// from here are its own. It verifies this ledger on the way, and the copy at its end. The tables are made unless their owner has
// (Prepare). All is one transaction: after an error nothing was copied, or all was, which ErrExists then says. What is written here
// meanwhile, or afterwards, is not in the copy: nobody should.
//
// ErrExists: there is a ledger already. *Difference: this ledger, or the copy, is not what its chain says.
func (l *Ledger) Copy(ctx context.Context, url string) (Report, error) {
	scheme, _, _ := strings.Cut(url, "://")
	if scheme != "postgres" && scheme != "postgresql" {
		return Report{}, fmt.Errorf("copy %s: a copy goes to postgres://user@host/database; one of SQLite's files is made with its own tool", l.name)
	}
	to, err := postgresDB(url, false)
	if err != nil {
		return Report{}, err
	}
	defer to.Close()
	if checkVersion(ctx, to) != nil {
		if err := migrate(ctx, to.db, postgres); err != nil {
			return Report{}, fmt.Errorf("copy to %s: %w", to.name, notOwner(to, err))
		}
	}
	v := verifier{}
	err = to.write(ctx, func(a *appender) error {
		if a.head != genesis {
			return fmt.Errorf("%w: nothing is copied over it", ErrExists)
		}
		v.each = func(e *entry, r record) error {
			rows, err := r.rows(e.month)
			if err != nil {
				return err
			}
			size := len(e.payload)
			for _, c := range r.covered() {
				size += len(*c.data)
			}
			return a.append(e, rows, size)
		}
		return l.read(ctx, func(tx *sql.Tx) error {
			v.ctx, v.tx = ctx, tx
			if err := v.guards(l); err != nil {
				return err
			}
			return v.walk()
		})
	})
	if err != nil {
		return Report{}, fmt.Errorf("copy %s to %s: %w", l.name, to.name, err)
	}
	copied, err := to.Verify(ctx, v.head)
	if err == nil && (copied.Entries != v.seq || copied.Rows != v.rows || copied.Head != v.head) {
		err = errors.New("it is not the same: somebody wrote into it meanwhile")
	}
	if err != nil {
		return Report{}, fmt.Errorf("the copy at %s: %w", to.name, err)
	}
	return copied, nil
}
