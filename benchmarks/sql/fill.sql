-- People 1 to :people as if each had been entered by notice once: everything a record leaves behind, in
-- every table and of the size it has in service. Wants psql variables `people` and `areas` (an array literal).
-- Person n lives in area n % 60 and has the code of benchmarks/parcels.py. Sealed items are random bytes.
-- What indexes can be built afterwards, are: the same rows and the same indexes in less time.

CREATE FUNCTION pg_temp.spread(n bigint) RETURNS bigint IMMUTABLE LANGUAGE sql
RETURN n * 6180339887 % 10000000000;

CREATE FUNCTION pg_temp.remainder(v bigint) RETURNS bigint IMMUTABLE LANGUAGE sql
RETURN (v / 1000000000 * 5 + v / 100000000 % 10 * 4 + v / 10000000 % 10 * 3 + v / 1000000 % 10 * 2
    + v / 100000 % 10 * 7 + v / 10000 % 10 * 6 + v / 1000 % 10 * 5 + v / 100 % 10 * 4
    + v / 10 % 10 * 3 + v % 10 * 2) % 11;

CREATE FUNCTION pg_temp.code(n bigint) RETURNS text IMMUTABLE LANGUAGE sql
RETURN lpad(pg_temp.spread(n)::text, 10, '0')
    || CASE WHEN pg_temp.remainder(pg_temp.spread(n)) <= 1 THEN '0'
        ELSE (11 - pg_temp.remainder(pg_temp.spread(n)))::text END;

-- The definitions of what is dropped here come back below word for word.
CREATE TEMPORARY TABLE later AS
SELECT 1 AS turn, format('ALTER TABLE %s DROP CONSTRAINT %I', c.conrelid::regclass, c.conname) AS off,
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', c.conrelid::regclass, c.conname,
        pg_get_constraintdef(c.oid)) AS on
FROM pg_constraint AS c
WHERE c.contype = 'f' AND c.conrelid::regclass::text IN ('person_key', 'history', 'outbox')
UNION ALL
SELECT 2, format('DROP INDEX %s', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid)
FROM pg_index AS i
WHERE i.indrelid::regclass::text IN ('person_key', 'history', 'outbox', 'inbox', 'ledger')
    AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = i.indexrelid)
UNION ALL
SELECT 3, format('ALTER TABLE %s DROP CONSTRAINT %I', c.conrelid::regclass, c.conname),
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid))
FROM pg_constraint AS c
WHERE c.contype IN ('p', 'u')
    AND c.conrelid::regclass::text IN ('person_key', 'history', 'outbox', 'inbox', 'ledger');
SELECT off FROM later ORDER BY turn \gexec

INSERT INTO receipt (parcel_digest, signed) VALUES ('loaded', 'loaded');
INSERT INTO person (person_id, version, current, stays, waiting, coded)
SELECT n, 1, 1, ARRAY[ROW((:'areas'::text[])[1 + n % 60], false, true, 1, 'entry', '20250526')::stay], 0, true
FROM generate_series(1, :people) AS n;
INSERT INTO person_key (kind, value, person_id)
SELECT 'code', pg_temp.code(n), n FROM generate_series(1, :people) AS n;
INSERT INTO inbox (notice_id, sender, parcel_id, fingerprint, outcome, code, answer)
SELECT md5('notice' || n)::uuid, (:'areas'::text[])[1 + n % 60], n / 64, sha256(n::text::bytea),
    'ACCEPTED', 'A100', '{"code":"A100","id":"' || md5('notice' || n)::uuid || '","leaf":"' || repeat('x', 43)
    || '","outcome":"ACCEPTED","received_on":"2026-11-24","salt":"' || repeat('x', 22) || '"}'
FROM generate_series(1, :people) AS n;
INSERT INTO history (person_id, version, notice_id, area, is_foreign, change, cause, event_date, resident_code,
    individual_number, individual_number_index, name, name_kana, date_of_birth, birth_era, sex, address,
    address_area, name_gaiji, address_gaiji, notified_on, search_name, search_kana, born_from, born_to)
SELECT n, 1, md5('notice' || n)::uuid, (:'areas'::text[])[1 + n % 60], false, 'entry', 'domestic_move_in',
    '20250526', pg_temp.code(n), substr(sha256(('number' || n)::bytea) || sha256(n::text::bytea), 1, 42),
    decode(md5('index' || n), 'hex'), '髙島　太郎' || n % 1000, 'タカシマ　タロウ', '19850403', 'showa', 'male',
    '福岡県福岡市東区箱崎三丁目' || n % 3000 || '番地1　ハイツ箱崎101号', (:'areas'::text[])[1 + n % 60], 0, 0,
    '2025-05-26', '高島太郎' || n % 1000, 'タカシマタロウ', '1985-04-03', '1985-04-03'
FROM generate_series(1, :people) AS n;
INSERT INTO outbox (notice_id, person_id, version, receipt_id)
SELECT md5('notice' || n)::uuid, n, 1, (SELECT max(receipt_id) FROM receipt)
FROM generate_series(1, :people) AS n;
INSERT INTO ledger (hash, salt, payload)
SELECT sha256(n::text::bytea), decode(md5(n::text), 'hex'),
    '{"code":"A100","event":"notice","id":"' || md5('notice' || n)::uuid || '","parcel_digest":"'
    || repeat('x', 43) || '","position":1,"received_on":"2026-11-24","register":"juki","sender":"401307"}'
FROM generate_series(1, :people) AS n;

SELECT later.on FROM later ORDER BY turn DESC \gexec
SELECT setval('person_number', :people), setval('parcel_number', :people);
VACUUM ANALYZE;
CHECKPOINT;
