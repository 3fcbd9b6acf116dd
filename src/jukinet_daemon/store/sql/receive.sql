-- name: find_known
-- The first answers to notices that were seen before, and the persons that keys name, with the state a decision
-- is made on. In one statement: each more costs a notice that comes alone a journey to the database and back.
SELECT notice_id::text AS notice_id, sender, answer, NULL AS kind, NULL AS value, NULL AS person_id,
    NULL AS version, NULL AS current, NULL AS stays, NULL AS waiting, NULL AS coded
FROM inbox
WHERE notice_id = ANY ($1::uuid[])
UNION ALL
SELECT NULL, NULL, NULL, kind, value, person_id, version, current, stays, waiting, coded
FROM people_of($2::text[], $3::text[])

-- name: find_same
-- Which notices, by id and fingerprint, say what the first one of their id said.
SELECT notice_id::text AS notice_id, fingerprint FROM same_notices($1::uuid[], $2::bytea[])

-- name: take_person_numbers
-- A block of fresh person numbers.
SELECT nextval('person_number') AS number FROM generate_series(1, $1)

-- name: take_parcel_numbers
-- A block of fresh parcel numbers.
SELECT nextval('parcel_number') AS number FROM generate_series(1, $1)

-- name: commit_batch
-- One transaction a decision; the last one flushes them all.
CALL commit_parcels($1::summarised_parcel[], $2::decision[], $3::uuid[], '{}')
