-- name: find_answers
-- The first answers to notices that were seen before.
SELECT notice_id::text AS notice_id, sender, fingerprint, answer
FROM inbox
WHERE notice_id = ANY ($1::uuid[])

-- name: find_people
-- The persons that keys name, with the state a decision is made on.
SELECT k.kind, k.value, p.person_id, p.version, p.current, p.stays, p.waiting, p.coded
FROM unnest($1::text[], $2::text[]) AS wanted (kind, value)
JOIN person_key AS k ON k.kind = wanted.kind AND k.value = wanted.value
JOIN person AS p ON p.person_id = k.person_id

-- name: take_person_numbers
-- A block of fresh person numbers.
SELECT nextval('person_number') AS number FROM generate_series(1, $1)

-- name: take_parcel_numbers
-- A block of fresh parcel numbers.
SELECT nextval('parcel_number') AS number FROM generate_series(1, $1)

-- name: commit_batch
-- One transaction a decision; the last one flushes them all.
CALL commit_parcels($1::summarised_parcel[], $2::decision[], $3::uuid[], '{}')
