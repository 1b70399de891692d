package ledger

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

var errInjected = errors.New("injected fault")

// faults makes the k-th remote operation of a connection fail: before it is done, or after.
type faults struct {
	driver.Connector
	left    int  // operations until the fault; negative: none any more
	applied bool // done, and failed all the same
	fired   bool
}

// fail says whether the operation fails, and whether it is done first.
func (f *faults) fail() (now, apply bool) {
	f.left--
	if f.left != -1 {
		return false, true
	}
	f.fired = true
	return true, f.applied
}

func (f *faults) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := f.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &faultConn{c, f}, nil
}

type faultConn struct {
	driver.Conn
	f *faults
}

func do[T any](f *faults, op func() (T, error)) (v T, err error) {
	now, apply := f.fail()
	if apply {
		v, err = op()
	}
	if now && err == nil {
		var none T
		return none, errInjected
	}
	return v, err
}

func (c *faultConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	tx, err := c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
	if err != nil {
		return nil, err
	}
	if now, _ := c.f.fail(); now {
		return nil, errors.Join(errInjected, tx.Rollback())
	}
	return &faultTx{tx, c.f}, nil
}

func (c *faultConn) ExecContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Result, error) {
	return do(c.f, func() (driver.Result, error) { return c.Conn.(driver.ExecerContext).ExecContext(ctx, q, args) })
}

func (c *faultConn) QueryContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Rows, error) {
	if now, _ := c.f.fail(); now {
		return nil, errInjected
	}
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, q, args)
}

func (c *faultConn) CheckNamedValue(v *driver.NamedValue) error {
	if n, ok := c.Conn.(driver.NamedValueChecker); ok {
		return n.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

func (c *faultConn) ResetSession(ctx context.Context) error {
	if r, ok := c.Conn.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

type faultTx struct {
	driver.Tx
	f *faults
}

// Commit that is not applied is what a lost connection is: the server rolls back.
func (t *faultTx) Commit() error {
	now, apply := t.f.fail()
	if !apply {
		return errors.Join(errInjected, t.Tx.Rollback())
	}
	err := t.Tx.Commit()
	if now && err == nil {
		err = errInjected
	}
	return err
}

// steps are a life of a ledger; each is repeated once where it fails, as whoever runs the command again does.
func steps(t *testing.T, l *Ledger) {
	t.Helper()
	ctx := context.Background()
	again := func(name string, f func() error) {
		t.Helper()
		if err := f(); err == nil {
			return
		} else if !errors.Is(err, errInjected) {
			t.Fatalf("%s: %v", name, err)
		}
		if err := f(); err != nil {
			t.Fatalf("%s, again: %v", name, err)
		}
	}
	again("begin", func() error { _, _, err := l.Begin(ctx, testClosing(october, nil)); return err })
	again("commit", func() error { _, err := l.Commit(ctx, testResult(t, october)); return err })
	again("outbox", func() error {
		all, err := l.Outbox(ctx)
		if err != nil {
			return err
		}
		var ids []int64
		for _, m := range all {
			ids = append(ids, m.ID)
		}
		return l.MarkSent(ctx, ids...)
	})
	again("release", func() error { return l.Release(ctx, october, "acme", "checked", "ann", nil) })
}

// TestFaults fails every statement and every commit in turn, in both ways.
func TestFaults(t *testing.T) {
	databases(t, func(t *testing.T, url string) {
		reference := start(t, url)
		template := filepath.Join(t.TempDir(), "template.db")
		if reference.dialect == sqliteDialect {
			execute(t, url, "VACUUM INTO '"+template+"'")
		}
		steps(t, reference)
		want, err := reference.Result(t.Context(), october)
		if err != nil {
			t.Fatal(err)
		}
		wantReport := verified(t, reference)
		for _, applied := range []bool{false, true} {
			for k := 0; ; k++ {
				l, c := target(t, reference.dialect, template)
				f := &faults{Connector: c(), left: k, applied: applied}
				plain := l.db
				l.db = sql.OpenDB(f)
				steps(t, l)
				l.db.Close()
				l.db = plain
				if !f.fired {
					if k < 30 {
						t.Errorf("only %d operations: the faults are not where the work is", k)
					}
					break
				}
				name := fmt.Sprintf("fault %d, applied %v", k, applied)
				r, err := l.Verify(t.Context())
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if r.Entries != wantReport.Entries || r.Rows != wantReport.Rows {
					t.Errorf("%s: got %+v, want %+v", name, r, wantReport)
				}
				got, err := l.Result(t.Context(), october)
				got.Head = want.Head // differs by the ledger's id
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("%s: %v: got %+v", name, err, got)
				}
				if left, err := l.Outbox(t.Context()); err != nil || len(left) != 0 {
					t.Errorf("%s: outbox %v, %v", name, left, err)
				}
				all, err := l.Invoices(t.Context(), october)
				if err != nil || all[0].Status != Final {
					t.Errorf("%s: not released: %v", name, err)
				}
				l.Close()
			}
		}
	})
}

// target returns a new ledger, in SQLite a copy of the template, and what connects to it.
func target(t *testing.T, d *dialect, template string) (l *Ledger, c func() driver.Connector) {
	t.Helper()
	must := func(c driver.Connector, err error) driver.Connector {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if d == postgres {
		url := postgresURL(t)
		return start(t, url), func() driver.Connector { return must(postgresConnector(url, false)) }
	}
	path := filepath.Join(t.TempDir(), "l.db")
	b, err := os.ReadFile(template)
	if err == nil {
		err = os.WriteFile(path, b, 0o600)
	}
	if err == nil {
		l, err = Open(t.Context(), "sqlite://"+path)
	}
	if err != nil {
		t.Fatal(err)
	}
	l.now = testClock
	return l, func() driver.Connector { return must(sqliteConnector(path, time.Second, forWriting)) }
}
