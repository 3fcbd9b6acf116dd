-- Empties the way for people 1 to N: takes off what is quicker to build afterwards, and remembers it word for
-- word in filling.later. fill_history.sql and fill_others.sql may then run at once; fill_end.sql ends it.

CREATE SCHEMA filling;

-- Person n has the code of benchmarks/parcels.py.
CREATE FUNCTION filling.spread(n bigint) RETURNS bigint IMMUTABLE LANGUAGE sql
RETURN n * 6180339887 % 10000000000;

CREATE FUNCTION filling.remainder(v bigint) RETURNS bigint IMMUTABLE LANGUAGE sql
RETURN (v / 1000000000 * 5 + v / 100000000 % 10 * 4 + v / 10000000 % 10 * 3 + v / 1000000 % 10 * 2
    + v / 100000 % 10 * 7 + v / 10000 % 10 * 6 + v / 1000 % 10 * 5 + v / 100 % 10 * 4
    + v / 10 % 10 * 3 + v % 10 * 2) % 11;

CREATE FUNCTION filling.code(n bigint) RETURNS text IMMUTABLE LANGUAGE sql
RETURN lpad(filling.spread(n)::text, 10, '0')
    || CASE WHEN filling.remainder(filling.spread(n)) <= 1 THEN '0'
        ELSE (11 - filling.remainder(filling.spread(n)))::text END;

-- Where person n lives; wants the psql variable `areas`, an array literal.
CREATE FUNCTION filling.home(n bigint) RETURNS text IMMUTABLE LANGUAGE sql
RETURN (:'areas'::text[])[1 + n % cardinality(:'areas'::text[])];

-- Foreign keys come off first and back last; `turn` is the order of taking off.
CREATE TABLE filling.later AS
WITH filled AS (
    SELECT unnest(ARRAY['person_key', 'history', 'outbox', 'inbox', 'ledger']::regclass[]) AS relation
)
SELECT relation::text, CASE c.contype WHEN 'f' THEN 1 ELSE 3 END AS turn,
    format('ALTER TABLE %s DROP CONSTRAINT %I', relation, c.conname) AS off,
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', relation, c.conname, pg_get_constraintdef(c.oid)) AS on
FROM filled JOIN pg_constraint AS c ON c.conrelid = relation AND c.contype IN ('f', 'p', 'u')
UNION ALL
SELECT relation::text, 2, format('DROP INDEX %s', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid)
FROM filled JOIN pg_index AS i ON i.indrelid = relation
WHERE NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = i.indexrelid);
SELECT off FROM filling.later ORDER BY turn \gexec

INSERT INTO receipt (parcel_digest, signed) VALUES ('filled', 'filled');

-- Nobody waits for durability while a file is filled, and it is flushed at the end.
ALTER SYSTEM SET max_wal_size = '16GB';
SELECT pg_reload_conf();
