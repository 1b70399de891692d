-- +goose Up

-- Corrections of closed months, with what they were priced by; their invoices' further revisions lie in invoices.
CREATE TABLE amendments (
    entry      INTEGER NOT NULL REFERENCES entries (seq),
    n          INTEGER NOT NULL,
    month      TEXT NOT NULL,
    number     INTEGER NOT NULL,
    reason     TEXT NOT NULL,
    amended_by TEXT NOT NULL,
    at         TEXT NOT NULL,
    invoices   INTEGER NOT NULL,
    document   BLOB NOT NULL,
    PRIMARY KEY (entry, n),
    UNIQUE (month, number)
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER amendments_no_update BEFORE UPDATE ON amendments
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: UPDATE on amendments is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER amendments_no_delete BEFORE DELETE ON amendments
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: DELETE on amendments is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER amendments_no_replace BEFORE INSERT ON amendments
WHEN EXISTS (SELECT 1 FROM amendments WHERE entry = NEW.entry AND n = NEW.n)
    OR EXISTS (SELECT 1 FROM amendments WHERE month = NEW.month AND number = NEW.number)
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: INSERT over a row on amendments is refused');
END;
-- +goose StatementEnd
