-- What a record leaves behind besides its history and its key: person, inbox, outbox, ledger leaf.
-- Wants the psql variable `people`.
SET synchronous_commit = off;
SET maintenance_work_mem = '512MB';

INSERT INTO person (person_id, version, current, stays, waiting, coded)
SELECT n, 1, 1, ARRAY[ROW(filling.home(n), false, true, 1, 'entry', '20250526', '20250526', 'domestic_move_in', NULL)::stay], 0, true
FROM generate_series(1, :people) AS n;
INSERT INTO inbox (notice_id, sender, parcel_id, fingerprint, outcome, code, answer)
SELECT md5('notice' || n)::uuid, filling.home(n), n / 64, sha256(n::text::bytea),
    'ACCEPTED', 'A100', '{"code":"A100","id":"' || md5('notice' || n)::uuid || '","leaf":"' || repeat('x', 43)
    || '","outcome":"ACCEPTED","received_on":"2026-11-24","salt":"' || repeat('x', 22) || '"}'
FROM generate_series(1, :people) AS n;
INSERT INTO outbox (notice_id, person_id, version, receipt_id)
SELECT md5('notice' || n)::uuid, n, 1, (SELECT max(receipt_id) FROM receipt)
FROM generate_series(1, :people) AS n;
INSERT INTO ledger (hash, salt, payload)
SELECT sha256(n::text::bytea), decode(md5(n::text), 'hex'),
    '{"code":"A100","event":"notice","id":"' || md5('notice' || n)::uuid || '","parcel_digest":"'
    || repeat('x', 43) || '","position":1,"received_on":"2026-11-24","register":"juki","sender":"401307"}'
FROM generate_series(1, :people) AS n;

VACUUM (ANALYZE) person, inbox, outbox, ledger;
SELECT later.on FROM filling.later WHERE relation NOT IN ('history', 'person_key') AND turn > 1 ORDER BY turn DESC \gexec
