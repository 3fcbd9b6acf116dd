-- name: find_entries
-- What the file says of the persons that keys name, in the order given.
SELECT person_id, version, waiting, is_open, overseas, resident_code, left_from
FROM bridge_find($1::text[], $2::text[])

-- name: open_case
-- Opens a case; gives when it ends.
SELECT bridge_open_case($1::bridge_case_row, $2, $3::ledger_row)

-- name: open_requests
-- Opens requests of a case.
SELECT bridge_open($1, $2::bridge_request_row[], $3::ledger_row[])

-- name: find_asked
-- Requests that a call back names, with what the file says of their persons now.
SELECT case_id::text AS case_id, office, basis, affair, requested_by, approved_by, expires_at, key_digest, asked,
    person_id, waiting, is_open, overseas, resident_code
FROM bridge_asked($1::uuid[])

-- name: confirm_requests
-- Confirms requests, once each.
SELECT bridge_confirm($1::uuid[], $2::ledger_row[])

-- name: settle_requests
-- Settles requests and holds what came.
SELECT bridge_settle($1, $2::bridge_settled_row[], $3::ledger_row[])

-- name: deliver_case
-- Takes the one delivery of a case.
SELECT bridge_deliver($1, $2::ledger_row)

-- name: find_lines
-- A page of what is delivered.
SELECT place, code, sealed FROM bridge_lines($1, $2, $3)

-- name: find_due_cases
-- Cases whose numbers must not be held any longer.
SELECT case_id::text AS case_id, state, why FROM bridge_due($1)

-- name: erase_case
-- Erases what is held of a case; null where nothing was to be erased.
SELECT bridge_erase($1, $2::ledger_row)

-- name: find_cases
-- The newest cases, or one.
SELECT case_id::text AS case_id, office, basis, affair, requested_by, approved_by, code, state, opened_at,
    expires_at, ended_at, codes, counts
FROM bridge_cases($1, $2)
