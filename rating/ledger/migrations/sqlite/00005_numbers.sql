-- +goose Up

-- Who sends what a closing makes, and how that is numbered, JSON; NULL: it is not numbered.
ALTER TABLE closings ADD COLUMN issuer BLOB;

-- Numbers of invoices and credit notes, each given with the entry by which the revision became final. Of a series they go up by one.
CREATE TABLE numbers (
    entry    INTEGER NOT NULL REFERENCES entries (seq),
    n        INTEGER NOT NULL,
    series   TEXT NOT NULL,
    serial   INTEGER NOT NULL,
    number   TEXT NOT NULL,
    month    TEXT NOT NULL,
    account  TEXT NOT NULL,
    revision INTEGER NOT NULL,
    issued   TEXT NOT NULL,
    due      TEXT,
    PRIMARY KEY (entry, n),
    UNIQUE (series, serial),
    UNIQUE (month, account, revision)
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER numbers_no_update BEFORE UPDATE ON numbers
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: UPDATE on numbers is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER numbers_no_delete BEFORE DELETE ON numbers
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: DELETE on numbers is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER numbers_no_replace BEFORE INSERT ON numbers
WHEN EXISTS (SELECT 1 FROM numbers WHERE entry = NEW.entry AND n = NEW.n)
    OR EXISTS (SELECT 1 FROM numbers WHERE series = NEW.series AND serial = NEW.serial)
    OR EXISTS (SELECT 1 FROM numbers WHERE month = NEW.month AND account = NEW.account AND revision = NEW.revision)
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: INSERT over a row on numbers is refused');
END;
-- +goose StatementEnd
