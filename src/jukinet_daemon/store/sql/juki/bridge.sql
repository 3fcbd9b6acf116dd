-- name: find_last_stays
-- What the file says of the persons whose codes are asked for, in the order asked.
SELECT person_id, version, waiting, is_open, is_foreign, change, cause, event_date, resident_code, numbered
FROM bridge_find($1::text[])

-- name: burn_requests
-- Uses up the right of requests, with the evidence of their answers.
SELECT bridge_burn($1::bridge_answer_row[], $2::ledger_row[])

-- name: give_numbers
-- The sealed numbers of answers that are given, in the order asked; empty where an answer gives none.
SELECT person_id, record_version, individual_number FROM bridge_give($1::uuid[])
