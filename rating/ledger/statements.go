package ledger

import (
	"context"
	"database/sql/driver"
	"errors"
)

// preparing is a connection to SQLite that keeps the statements it has prepared, by their text: the ledger's are few, and to prepare
// one takes longer than to run it. (The driver of PostgreSQL does so by itself.)
//
// idle holds what nothing runs: who runs a statement takes it out and puts it back when it is done, or drops it where it failed.
// database/sql lets nobody else use the connection meanwhile, nor while rows are read or closed.
type preparing struct {
	connection
	idle map[string]statement
}

// connection is what the ledger uses of SQLite's.
type connection interface {
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.SessionResetter
	driver.Validator
	driver.Conn
	IsReadOnly(schema string) (bool, error)
}

type statement interface {
	driver.StmtExecContext
	driver.StmtQueryContext
	driver.Stmt
}

func (c *preparing) take(ctx context.Context, text string) (statement, error) {
	if s, ok := c.idle[text]; ok {
		delete(c.idle, text)
		return s, nil
	}
	s, err := c.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	return s.(statement), nil
}

// put takes a statement back that ended with err.
func (c *preparing) put(text string, s statement, err error) error {
	if _, there := c.idle[text]; there || err != nil {
		return errors.Join(err, s.Close())
	}
	c.idle[text] = s
	return nil
}

func (c *preparing) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.take(ctx, text)
	if err != nil {
		return nil, err
	}
	r, err := s.ExecContext(ctx, args)
	return r, c.put(text, s, err)
}

func (c *preparing) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.take(ctx, text)
	if err != nil {
		return nil, err
	}
	r, err := s.QueryContext(ctx, args)
	if err != nil {
		return nil, c.put(text, s, err)
	}
	return &preparedRows{r, func(err error) error { return c.put(text, s, err) }}, nil
}

// Close closes the statements too: with one of them open, SQLite would keep the file and its locks.
func (c *preparing) Close() error {
	var err error
	for _, s := range c.idle {
		err = errors.Join(err, s.Close())
	}
	return errors.Join(err, c.connection.Close())
}

// preparedRows give their statement back.
type preparedRows struct {
	driver.Rows
	done func(err error) error
}

func (r *preparedRows) Close() error { return r.done(r.Rows.Close()) }
