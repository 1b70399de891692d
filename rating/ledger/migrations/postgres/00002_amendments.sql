-- +goose Up

-- Corrections of closed months, with what they were priced by; their invoices' further revisions lie in invoices.
CREATE TABLE amendments (
    entry      bigint NOT NULL REFERENCES entries (seq),
    n          bigint NOT NULL,
    month      text COLLATE "C" NOT NULL,
    number     bigint NOT NULL,
    reason     text COLLATE "C" NOT NULL,
    amended_by text COLLATE "C" NOT NULL,
    at         text COLLATE "C" NOT NULL,
    invoices   bigint NOT NULL,
    document   bytea NOT NULL,
    PRIMARY KEY (entry, n),
    UNIQUE (month, number)
);

CREATE TRIGGER amendments_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON amendments
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
