-- The three roles of a ledger on PostgreSQL 14 or newer. Run it in the ledger's database, as who may make roles; again, it changes nothing:
--
--   psql -d headcount -f roles.sql
--   HEADCOUNT_LEDGER=postgres://headcount_owner@host/headcount rollup ledger prepare    -- the tables; after each upgrade too
--
--   headcount_owner    owns the tables, and so could switch their guards off: nothing runs as it but `rollup ledger prepare`
--   headcount_writer   adds and reads: rollup close, amend, release
--   headcount_reader   reads: all else, and finance
--
-- Passwords or certificates are given apart: ALTER ROLE headcount_writer PASSWORD …

DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['headcount_owner', 'headcount_writer', 'headcount_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I', role);
        END IF;
        EXECUTE format('ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT', role);
        -- Nobody's temporary table is taken for one of the ledger's.
        EXECUTE format('ALTER ROLE %I IN DATABASE %I SET search_path = headcount, pg_temp', role, current_database());
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role);
    END LOOP;
    EXECUTE format('REVOKE CREATE, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END
$$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;

CREATE SCHEMA IF NOT EXISTS headcount AUTHORIZATION headcount_owner;
REVOKE ALL ON SCHEMA headcount FROM PUBLIC;
GRANT USAGE ON SCHEMA headcount TO headcount_writer, headcount_reader;

-- What the owner makes, now and later. Nobody else is given UPDATE, DELETE, TRUNCATE, REFERENCES or TRIGGER.
ALTER DEFAULT PRIVILEGES FOR ROLE headcount_owner IN SCHEMA headcount GRANT SELECT, INSERT ON TABLES TO headcount_writer;
ALTER DEFAULT PRIVILEGES FOR ROLE headcount_owner IN SCHEMA headcount GRANT SELECT ON TABLES TO headcount_reader;
REVOKE ALL ON ALL TABLES IN SCHEMA headcount FROM PUBLIC, headcount_writer, headcount_reader;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA headcount TO headcount_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA headcount TO headcount_reader;
