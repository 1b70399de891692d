-- +goose Up
-- Times are RFC 3339 in UTC, lists are JSON, amounts are decimal text. (entry, n): the row's entry and its place among
-- that entry's rows of the table.

-- 'HcLg': tells a ledger from other SQLite files.
PRAGMA application_id = 1214467175;

-- Every row of the ledger, in order. hash covers previous, seq, kind, month, at and payload.
CREATE TABLE entries (
    seq      INTEGER PRIMARY KEY,
    kind     TEXT NOT NULL,
    month    TEXT NOT NULL,
    at       TEXT NOT NULL,
    payload  TEXT NOT NULL,
    previous TEXT NOT NULL UNIQUE,
    hash     TEXT NOT NULL UNIQUE
) STRICT;

-- With what a month's close began.
CREATE TABLE closings (
    entry      INTEGER NOT NULL REFERENCES entries (seq),
    n          INTEGER NOT NULL,
    month      TEXT NOT NULL,
    seal_id    TEXT NOT NULL,
    cluster    TEXT NOT NULL,
    topic_id   TEXT NOT NULL,
    topic      TEXT NOT NULL,
    partitions TEXT NOT NULL,
    rules_hash TEXT NOT NULL,
    zone       TEXT NOT NULL,
    version    TEXT NOT NULL,
    at         TEXT NOT NULL,
    previous   TEXT,
    accounts   BLOB NOT NULL,
    PRIMARY KEY (entry, n),
    UNIQUE (month)
) STRICT;

-- The price books a close rates by, as they were.
CREATE TABLE books (
    entry    INTEGER NOT NULL REFERENCES entries (seq),
    n        INTEGER NOT NULL,
    month    TEXT NOT NULL,
    name     TEXT NOT NULL,
    document BLOB NOT NULL,
    PRIMARY KEY (entry, n),
    UNIQUE (month, name)
) STRICT;

-- Sealed numbers, one app a row; account is NULL where nobody is billed.
CREATE TABLE usage (
    entry    INTEGER NOT NULL REFERENCES entries (seq),
    n        INTEGER NOT NULL,
    month    TEXT NOT NULL,
    app      TEXT NOT NULL,
    account  TEXT,
    digest   TEXT NOT NULL,
    document BLOB NOT NULL,
    PRIMARY KEY (entry, n),
    UNIQUE (month, app)
) STRICT;

-- Every revision of every invoice, with the close that made it.
CREATE TABLE invoices (
    entry    INTEGER NOT NULL REFERENCES entries (seq),
    n        INTEGER NOT NULL,
    closing  TEXT NOT NULL,
    month    TEXT NOT NULL,
    account  TEXT NOT NULL,
    revision INTEGER NOT NULL,
    plan     TEXT NOT NULL,
    currency TEXT NOT NULL,
    total    TEXT NOT NULL,
    status   TEXT NOT NULL,
    reason   TEXT NOT NULL,
    document BLOB NOT NULL,
    PRIMARY KEY (entry, n),
    UNIQUE (month, account, revision)
) STRICT;

-- An invoice's lines, taken from its document.
CREATE TABLE lines (
    entry      INTEGER NOT NULL REFERENCES entries (seq),
    n          INTEGER NOT NULL,
    month      TEXT NOT NULL,
    account    TEXT NOT NULL,
    revision   INTEGER NOT NULL,
    line       INTEGER NOT NULL,
    app        TEXT,
    meter      TEXT,
    item       TEXT,
    quantity   TEXT,
    free       TEXT,
    billable   TEXT,
    unit_price TEXT,
    amount     TEXT NOT NULL,
    how        TEXT,
    PRIMARY KEY (entry, n),
    UNIQUE (month, account, revision, line)
) STRICT;

-- With what a month's close ended: from here on the month is closed.
CREATE TABLE results (
    entry    INTEGER NOT NULL REFERENCES entries (seq),
    n        INTEGER NOT NULL,
    month    TEXT NOT NULL,
    seal_id  TEXT NOT NULL,
    apps     INTEGER NOT NULL,
    invoices INTEGER NOT NULL,
    at       TEXT NOT NULL,
    document BLOB NOT NULL,
    PRIMARY KEY (entry, n),
    UNIQUE (month)
) STRICT;

-- Records that are to go to the log; what has gone has a row in sent.
CREATE TABLE outbox (
    entry   INTEGER NOT NULL REFERENCES entries (seq),
    n       INTEGER NOT NULL,
    month   TEXT NOT NULL,
    message BLOB NOT NULL,
    PRIMARY KEY (entry, n)
) STRICT;

-- Marks of messages that the log has.
CREATE TABLE sent (
    entry  INTEGER NOT NULL REFERENCES entries (seq),
    n      INTEGER NOT NULL,
    outbox INTEGER NOT NULL,
    at     TEXT NOT NULL,
    PRIMARY KEY (entry, n),
    UNIQUE (outbox)
) STRICT;

-- Holds lifted.
CREATE TABLE releases (
    entry       INTEGER NOT NULL REFERENCES entries (seq),
    n           INTEGER NOT NULL,
    month       TEXT NOT NULL,
    account     TEXT NOT NULL,
    revision    INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    released_by TEXT NOT NULL,
    at          TEXT NOT NULL,
    PRIMARY KEY (entry, n),
    UNIQUE (month, account, revision)
) STRICT;

-- Corrections of closed months: late usage settled by a later close.
CREATE VIEW adjustments AS
SELECT closing, month, account, revision, currency, total, status, reason FROM invoices WHERE revision > 1;

-- Append-only. INSERT OR REPLACE deletes without firing delete triggers, so inserts over a row are refused too.
-- +goose StatementBegin
CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: UPDATE on entries is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: DELETE on entries is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER entries_no_replace BEFORE INSERT ON entries
WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM entries)
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: INSERT over a row on entries is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER closings_no_update BEFORE UPDATE ON closings
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: UPDATE on closings is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER closings_no_delete BEFORE DELETE ON closings
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: DELETE on closings is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER closings_no_replace BEFORE INSERT ON closings
WHEN EXISTS (SELECT 1 FROM closings WHERE entry = NEW.entry AND n = NEW.n)
    OR EXISTS (SELECT 1 FROM closings WHERE month = NEW.month)
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: INSERT over a row on closings is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER books_no_update BEFORE UPDATE ON books
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: UPDATE on books is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER books_no_delete BEFORE DELETE ON books
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: DELETE on books is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER books_no_replace BEFORE INSERT ON books
WHEN EXISTS (SELECT 1 FROM books WHERE entry = NEW.entry AND n = NEW.n)
    OR EXISTS (SELECT 1 FROM books WHERE month = NEW.month AND name = NEW.name)
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: INSERT over a row on books is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER usage_no_update BEFORE UPDATE ON usage
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: UPDATE on usage is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER usage_no_delete BEFORE DELETE ON usage
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: DELETE on usage is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER usage_no_replace BEFORE INSERT ON usage
WHEN EXISTS (SELECT 1 FROM usage WHERE entry = NEW.entry AND n = NEW.n)
    OR EXISTS (SELECT 1 FROM usage WHERE month = NEW.month AND app = NEW.app)
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: INSERT over a row on usage is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER invoices_no_update BEFORE UPDATE ON invoices
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: UPDATE on invoices is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER invoices_no_delete BEFORE DELETE ON invoices
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: DELETE on invoices is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER invoices_no_replace BEFORE INSERT ON invoices
WHEN EXISTS (SELECT 1 FROM invoices WHERE entry = NEW.entry AND n = NEW.n)
    OR EXISTS (SELECT 1 FROM invoices WHERE month = NEW.month AND account = NEW.account AND revision = NEW.revision)
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: INSERT over a row on invoices is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER lines_no_update BEFORE UPDATE ON lines
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: UPDATE on lines is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER lines_no_delete BEFORE DELETE ON lines
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: DELETE on lines is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER lines_no_replace BEFORE INSERT ON lines
WHEN EXISTS (SELECT 1 FROM lines WHERE entry = NEW.entry AND n = NEW.n)
    OR EXISTS (SELECT 1 FROM lines WHERE month = NEW.month AND account = NEW.account AND revision = NEW.revision AND line = NEW.line)
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: INSERT over a row on lines is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER results_no_update BEFORE UPDATE ON results
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: UPDATE on results is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER results_no_delete BEFORE DELETE ON results
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: DELETE on results is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER results_no_replace BEFORE INSERT ON results
WHEN EXISTS (SELECT 1 FROM results WHERE entry = NEW.entry AND n = NEW.n)
    OR EXISTS (SELECT 1 FROM results WHERE month = NEW.month)
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: INSERT over a row on results is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER outbox_no_update BEFORE UPDATE ON outbox
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: UPDATE on outbox is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER outbox_no_delete BEFORE DELETE ON outbox
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: DELETE on outbox is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER outbox_no_replace BEFORE INSERT ON outbox
WHEN EXISTS (SELECT 1 FROM outbox WHERE entry = NEW.entry AND n = NEW.n)
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: INSERT over a row on outbox is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER sent_no_update BEFORE UPDATE ON sent
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: UPDATE on sent is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER sent_no_delete BEFORE DELETE ON sent
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: DELETE on sent is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER sent_no_replace BEFORE INSERT ON sent
WHEN EXISTS (SELECT 1 FROM sent WHERE entry = NEW.entry AND n = NEW.n)
    OR EXISTS (SELECT 1 FROM sent WHERE outbox = NEW.outbox)
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: INSERT over a row on sent is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER releases_no_update BEFORE UPDATE ON releases
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: UPDATE on releases is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER releases_no_delete BEFORE DELETE ON releases
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: DELETE on releases is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER releases_no_replace BEFORE INSERT ON releases
WHEN EXISTS (SELECT 1 FROM releases WHERE entry = NEW.entry AND n = NEW.n)
    OR EXISTS (SELECT 1 FROM releases WHERE month = NEW.month AND account = NEW.account AND revision = NEW.revision)
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: INSERT over a row on releases is refused');
END;
-- +goose StatementEnd
