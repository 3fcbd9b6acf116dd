-- name: find_answers
-- The first answers to notices that were seen before.
SELECT notice_id::text AS notice_id, sender, answer
FROM inbox
WHERE notice_id = ANY ($1::uuid[])

-- name: find_same
-- Which notices, by id and fingerprint, say what the first one of their id said.
SELECT notice_id::text AS notice_id, fingerprint FROM same_notices($1::uuid[], $2::bytea[])

-- name: find_people
-- The persons that keys name, with the state a decision is made on.
SELECT kind, value, person_id, version, current, stays, waiting, coded FROM people_of($1::text[], $2::text[])

-- name: take_person_numbers
-- A block of fresh person numbers.
SELECT nextval('person_number') AS number FROM generate_series(1, $1)

-- name: take_parcel_numbers
-- A block of fresh parcel numbers.
SELECT nextval('parcel_number') AS number FROM generate_series(1, $1)

-- name: commit_batch
-- One transaction a decision; the last one flushes them all.
CALL commit_parcels($1::summarised_parcel[], $2::decision[], $3::uuid[], '{}')
