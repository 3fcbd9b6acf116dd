-- name: find_held
-- Every notice that waits for an operator, the oldest first.
SELECT notice_id::text AS notice_id, person_id, others, code, sender, tied, sealed, notified_on, held_at
FROM held
ORDER BY held_id

-- name: find_held_notice
-- One notice that waits.
SELECT notice_id::text AS notice_id, person_id, others, code, sender, tied, sealed, notified_on, held_at
FROM held
WHERE notice_id = $1

-- name: find_held_of
-- What waits of some persons, the oldest first.
SELECT notice_id::text AS notice_id, person_id, others, code, sender, tied, sealed, notified_on, held_at
FROM held
WHERE person_id = ANY ($1::bigint[]) OR others && $1::bigint[]
ORDER BY held_id

-- name: find_states
-- The states of persons.
SELECT person_id, version, current, stays, waiting, coded FROM person WHERE person_id = ANY ($1::bigint[])

-- name: mark_held
-- Why a notice waits now.
UPDATE held SET code = $2 WHERE notice_id = $1

-- name: settle_held
-- Lets a notice go with all it entails.
SELECT settle_held(
    $1::uuid, $2::person_row[], $3::key_row[], $4::key_row[], $5::history_row, $6::departure_row, $7::ledger_row
)
