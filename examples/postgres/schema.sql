-- The function's role owns nothing: it can neither change the policy nor pass by it.
CREATE ROLE ledger_app LOGIN PASSWORD 'local' NOSUPERUSER NOBYPASSRLS;

CREATE TABLE ledger (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL DEFAULT current_setting('berth.tenant'),
    text   text NOT NULL
);
CREATE INDEX ON ledger (tenant, id);

ALTER TABLE ledger ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger FORCE ROW LEVEL SECURITY;

-- Rows are seen, and may be written, by the tenant that the transaction names.
-- Where it names none, current_setting is null or empty, and so no row is.
CREATE POLICY tenants ON ledger
    USING (tenant = nullif(current_setting('berth.tenant', true), ''))
    WITH CHECK (tenant = nullif(current_setting('berth.tenant', true), ''));

GRANT SELECT, INSERT ON ledger TO ledger_app;
