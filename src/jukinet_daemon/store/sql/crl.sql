-- name: kept_crls
-- The newest lists of each CA that were taken up before, by whichever login.
SELECT DISTINCT authority, list FROM kept_crl

-- name: keep_crl
-- A list was taken up by this login; never back to an older one.
INSERT INTO kept_crl (authority, number, issued_at, list) VALUES ($1, $2::text::numeric, $3, $4)
ON CONFLICT (login, authority) DO UPDATE
SET number = excluded.number, issued_at = excluded.issued_at, list = excluded.list, taken_at = clock_timestamp()
WHERE (kept_crl.number, kept_crl.issued_at) < (excluded.number, excluded.issued_at)
