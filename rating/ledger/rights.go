package ledger

import (
	"context"
	"database/sql"
	"fmt"
)

// Rights say as whom a ledger is open.
type Rights struct {
	User string // of the database; empty: the ledger is a file
	Role Role
}

// Role is what a user of PostgreSQL may do with the ledger's tables.
type Role string

// Roles.
const (
	Owner     Role = "owner"     // may switch the guards off: owns a table, or may change rows but for them
	Superuser Role = "superuser" // may do anything
	Writer    Role = "writer"    // adds and reads
	Reader    Role = "reader"    // reads
)

// Rights returns as whom the ledger is open.
func (l *Ledger) Rights(ctx context.Context) (r Rights, err error) {
	if l.dialect != postgres {
		return r, nil
	}
	err = l.read(ctx, func(tx *sql.Tx) error {
		var super, more, adds bool
		err := tx.QueryRowContext(ctx, `SELECT current_user, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
			bool_or(pg_has_role(c.relowner, 'MEMBER') OR has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE, TRIGGER')),
			bool_and(has_table_privilege(c.oid, 'INSERT'))
			FROM pg_class c WHERE c.oid IN (SELECT to_regclass(v.name) FROM unnest($1::text[]) AS v (name))`, tableNames()).Scan(&r.User, &super, &more, &adds)
		switch {
		case super:
			r.Role = Superuser
		case more:
			r.Role = Owner
		case adds:
			r.Role = Writer
		default:
			r.Role = Reader
		}
		return err
	})
	if err != nil {
		return r, fmt.Errorf("ask for the rights on the ledger: %w", err)
	}
	return r, nil
}

// Guards checks that what makes the tables append-only is there and on, without trying it: as a reader may.
func (l *Ledger) Guards(ctx context.Context) error {
	return wrap(l.read(ctx, func(tx *sql.Tx) error { return (&verifier{ctx: ctx, tx: tx}).guards(l) }), "guards of %s", l.name)
}
