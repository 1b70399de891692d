-- +goose Up
-- Times are RFC 3339 in UTC, lists are JSON, amounts are decimal text. (entry, n): the row's entry and its place among
-- that entry's rows of the table.

-- Every row of the ledger, in order. hash covers previous, seq, kind, month, at and payload.
CREATE TABLE entries (
    seq      bigint PRIMARY KEY,
    kind     text COLLATE "C" NOT NULL,
    month    text COLLATE "C" NOT NULL,
    at       text COLLATE "C" NOT NULL,
    payload  text COLLATE "C" NOT NULL,
    previous text COLLATE "C" NOT NULL UNIQUE,
    hash     text COLLATE "C" NOT NULL UNIQUE
);

-- With what a month's close began.
CREATE TABLE closings (
    entry      bigint NOT NULL REFERENCES entries (seq),
    n          bigint NOT NULL,
    month      text COLLATE "C" NOT NULL,
    seal_id    text COLLATE "C" NOT NULL,
    cluster    text COLLATE "C" NOT NULL,
    topic_id   text COLLATE "C" NOT NULL,
    topic      text COLLATE "C" NOT NULL,
    partitions text COLLATE "C" NOT NULL,
    rules_hash text COLLATE "C" NOT NULL,
    zone       text COLLATE "C" NOT NULL,
    version    text COLLATE "C" NOT NULL,
    at         text COLLATE "C" NOT NULL,
    previous   text COLLATE "C",
    accounts   bytea NOT NULL,
    PRIMARY KEY (entry, n),
    UNIQUE (month)
);

-- The price books a close rates by, as they were.
CREATE TABLE books (
    entry    bigint NOT NULL REFERENCES entries (seq),
    n        bigint NOT NULL,
    month    text COLLATE "C" NOT NULL,
    name     text COLLATE "C" NOT NULL,
    document bytea NOT NULL,
    PRIMARY KEY (entry, n),
    UNIQUE (month, name)
);

-- Sealed numbers, one app a row; account is NULL where nobody is billed.
CREATE TABLE usage (
    entry    bigint NOT NULL REFERENCES entries (seq),
    n        bigint NOT NULL,
    month    text COLLATE "C" NOT NULL,
    app      text COLLATE "C" NOT NULL,
    account  text COLLATE "C",
    digest   text COLLATE "C" NOT NULL,
    document bytea NOT NULL,
    PRIMARY KEY (entry, n),
    UNIQUE (month, app)
);

-- Every revision of every invoice, with the close that made it.
CREATE TABLE invoices (
    entry    bigint NOT NULL REFERENCES entries (seq),
    n        bigint NOT NULL,
    closing  text COLLATE "C" NOT NULL,
    month    text COLLATE "C" NOT NULL,
    account  text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    plan     text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL,
    total    text COLLATE "C" NOT NULL,
    status   text COLLATE "C" NOT NULL,
    reason   text COLLATE "C" NOT NULL,
    document bytea NOT NULL,
    PRIMARY KEY (entry, n),
    UNIQUE (month, account, revision)
);

-- An invoice's lines, taken from its document.
CREATE TABLE lines (
    entry      bigint NOT NULL REFERENCES entries (seq),
    n          bigint NOT NULL,
    month      text COLLATE "C" NOT NULL,
    account    text COLLATE "C" NOT NULL,
    revision   bigint NOT NULL,
    line       bigint NOT NULL,
    app        text COLLATE "C",
    meter      text COLLATE "C",
    item       text COLLATE "C",
    quantity   text COLLATE "C",
    free       text COLLATE "C",
    billable   text COLLATE "C",
    unit_price text COLLATE "C",
    amount     text COLLATE "C" NOT NULL,
    how        text COLLATE "C",
    PRIMARY KEY (entry, n),
    UNIQUE (month, account, revision, line)
);

-- With what a month's close ended: from here on the month is closed.
CREATE TABLE results (
    entry    bigint NOT NULL REFERENCES entries (seq),
    n        bigint NOT NULL,
    month    text COLLATE "C" NOT NULL,
    seal_id  text COLLATE "C" NOT NULL,
    apps     bigint NOT NULL,
    invoices bigint NOT NULL,
    at       text COLLATE "C" NOT NULL,
    document bytea NOT NULL,
    PRIMARY KEY (entry, n),
    UNIQUE (month)
);

-- Records that are to go to the log; what has gone has a row in sent.
CREATE TABLE outbox (
    entry   bigint NOT NULL REFERENCES entries (seq),
    n       bigint NOT NULL,
    month   text COLLATE "C" NOT NULL,
    message bytea NOT NULL,
    PRIMARY KEY (entry, n)
);

-- Marks of messages that the log has.
CREATE TABLE sent (
    entry  bigint NOT NULL REFERENCES entries (seq),
    n      bigint NOT NULL,
    outbox bigint NOT NULL,
    at     text COLLATE "C" NOT NULL,
    PRIMARY KEY (entry, n),
    UNIQUE (outbox)
);

-- Holds lifted.
CREATE TABLE releases (
    entry       bigint NOT NULL REFERENCES entries (seq),
    n           bigint NOT NULL,
    month       text COLLATE "C" NOT NULL,
    account     text COLLATE "C" NOT NULL,
    revision    bigint NOT NULL,
    reason      text COLLATE "C" NOT NULL,
    released_by text COLLATE "C" NOT NULL,
    at          text COLLATE "C" NOT NULL,
    PRIMARY KEY (entry, n),
    UNIQUE (month, account, revision)
);

-- Corrections of closed months: late usage settled by a later close.
CREATE VIEW adjustments AS
SELECT closing, month, account, revision, currency, total, status, reason FROM invoices WHERE revision > 1;

-- +goose StatementBegin
CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % on % is refused', TG_OP, TG_TABLE_NAME;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER closings_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON closings
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER books_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON books
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER usage_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON usage
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER invoices_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON invoices
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER lines_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lines
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER results_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON results
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER outbox_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON outbox
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER sent_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON sent
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER releases_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON releases
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
