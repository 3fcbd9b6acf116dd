-- name: lock_relay
-- One relay a register: order per person would not survive two.
SELECT lock_relay()

-- name: take_relay_number
-- The running number of a parcel to the national server.
SELECT nextval('relay_number')

-- name: find_origins
-- The parcels in which records that wait came, each once.
SELECT DISTINCT digest FROM outgoing_origin WHERE outbox_id = ANY ($1::bigint[])

-- name: store_receipt
-- The national server's signed receipt.
INSERT INTO receipt (parcel_digest, signed) VALUES ($1, $2) RETURNING receipt_id

-- name: close_outbox
-- Marks what a receipt closes, with the code of what the national server refused, and the day it took it.
UPDATE outbox SET receipt_id = $1, refused = answered.refused, received_on = answered.received_on
FROM unnest($2::bigint[], $3::text[], $4::date[]) AS answered (outbox_id, refused, received_on)
WHERE outbox.outbox_id = answered.outbox_id AND outbox.receipt_id IS NULL

-- name: add_leaf
-- One leaf of evidence.
INSERT INTO ledger (hash, salt, payload) VALUES ($1, $2, $3)
