-- name: maintenance_now
-- Whether new work is refused now, until when and why.
SELECT until, reason, operator, since FROM maintenance WHERE until > clock_timestamp()

-- name: begin_maintenance
-- Refuses new work until a time, with its leaf of evidence.
WITH told AS (INSERT INTO ledger (hash, salt, payload) VALUES ($4, $5, $6))
INSERT INTO maintenance (until, reason, operator) VALUES ($1, $2, $3)
ON CONFLICT (one) DO UPDATE
SET until = excluded.until, reason = excluded.reason, operator = excluded.operator, since = clock_timestamp()

-- name: end_maintenance
-- Takes new work again, with its leaf of evidence.
WITH told AS (INSERT INTO ledger (hash, salt, payload) VALUES ($1, $2, $3))
DELETE FROM maintenance
