-- +goose Up

-- Who sends what a closing makes, and how that is numbered, JSON; NULL: it is not numbered.
ALTER TABLE closings ADD COLUMN issuer bytea;

-- Numbers of invoices and credit notes, each given with the entry by which the revision became final. Of a series they go up by one.
CREATE TABLE numbers (
    entry    bigint NOT NULL REFERENCES entries (seq),
    n        bigint NOT NULL,
    series   text COLLATE "C" NOT NULL,
    serial   bigint NOT NULL,
    number   text COLLATE "C" NOT NULL,
    month    text COLLATE "C" NOT NULL,
    account  text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    issued   text COLLATE "C" NOT NULL,
    due      text COLLATE "C",
    PRIMARY KEY (entry, n),
    UNIQUE (series, serial),
    UNIQUE (month, account, revision)
);

CREATE TRIGGER numbers_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON numbers
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
