-- Views for reports on a ledger, in a schema of their own. Run it after roles.sql and `rollup ledger prepare`, as who may make schemas; again, it
-- changes nothing:
--
--   psql -d headcount -f views.sql
--
-- headcount_reader reads them. They decide nothing: the bill is the invoice's document. Amounts are numeric here and text in the ledger,
-- where nothing can round them. Revisions add up: each says what it adds to, or takes from, those before.

CREATE SCHEMA IF NOT EXISTS headcount_reports AUTHORIZATION headcount_owner;
SET ROLE headcount_owner;
REVOKE ALL ON SCHEMA headcount_reports FROM PUBLIC;
GRANT USAGE ON SCHEMA headcount_reports TO headcount_reader;

-- Every revision of every invoice, and whether it is final, held or released.
CREATE OR REPLACE VIEW headcount_reports.invoices AS
SELECT i.month, i.account, i.revision, i.closing AS closed_with, i.plan, i.currency, i.total::numeric AS total,
       CASE WHEN r.month IS NOT NULL THEN 'released' ELSE i.status END AS status, NULLIF(i.reason, '') AS held_for, r.released_by, r.reason AS released_for
FROM headcount.invoices i
LEFT JOIN headcount.releases r USING (month, account, revision);

-- Invoices that wait for somebody.
CREATE OR REPLACE VIEW headcount_reports.held AS
SELECT month, account, revision, currency, total, held_for FROM headcount_reports.invoices WHERE status = 'held';

-- Every line, with what it charges for.
CREATE OR REPLACE VIEW headcount_reports.lines AS
SELECT l.month, l.account, l.revision, l.line, i.currency, l.app, coalesce(l.meter, l.item) AS what, l.quantity::numeric AS quantity, l.free::numeric AS free,
       l.billable::numeric AS billable, l.unit_price::numeric AS unit_price, l.amount::numeric AS amount, l.how
FROM headcount.lines l
JOIN headcount.invoices i USING (month, account, revision);

-- Months, with what was billed in each currency, all revisions together.
CREATE OR REPLACE VIEW headcount_reports.months AS
SELECT i.month, i.currency, count(DISTINCT i.account) AS accounts, sum(i.total::numeric) AS total, min(r.at)::timestamptz AS closed_at
FROM headcount.invoices i
JOIN headcount.results r USING (month)
GROUP BY i.month, i.currency;

GRANT SELECT ON ALL TABLES IN SCHEMA headcount_reports TO headcount_reader;
RESET ROLE;
