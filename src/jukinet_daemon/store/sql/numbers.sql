-- name: lock_numbers
-- Two processes of one register look one after the other.
SELECT lock_numbers()

-- name: find_numberings
-- How far each sender's numbers were looked through.
SELECT sender, highest FROM numbering

-- name: find_gaps
-- The numbers that are missing, lowest first.
SELECT sender, first, last, found_at FROM number_gap ORDER BY sender, first

-- name: find_new_numbers
-- Parcels above the highest number looked at, up to so far above it, so many a sender at most.
SELECT s.sender, p.number, p.digest
FROM unnest($1::text[], $2::bigint[]) AS s (sender, highest)
CROSS JOIN LATERAL (
    SELECT number, digest FROM parcel
    WHERE parcel.sender = s.sender AND number > s.highest AND number <= s.highest + $4
    ORDER BY number LIMIT $3
) AS p

-- name: find_leaps
-- Of each sender the lowest number that lies further above its highest and came in the last two weeks.
SELECT n.sender, n.highest, p.number
FROM numbering AS n
CROSS JOIN LATERAL (
    SELECT number FROM parcel
    WHERE parcel.sender = n.sender AND number > n.highest + $1 AND received_at > now() - interval '14 days'
    ORDER BY number LIMIT 1
) AS p
ORDER BY n.sender

-- name: find_late_numbers
-- Parcels whose numbers lie in a gap, so many a gap at most.
SELECT g.sender, p.number, p.digest
FROM number_gap AS g
CROSS JOIN LATERAL (
    SELECT number, digest FROM parcel
    WHERE parcel.sender = g.sender AND number BETWEEN g.first AND g.last
    ORDER BY number LIMIT $1
) AS p

-- name: find_parcels_of_number
-- Every parcel that came under a number, the first one first, and whether it says what that one says.
SELECT digest, same FROM parcels_of_number($1, $2)

-- name: has_unsummarised
-- Whether a parcel waits for its summary.
SELECT EXISTS (SELECT FROM parcel WHERE kinds IS NULL) AS waits

-- name: store_numbering
-- How far a sender's numbers were looked through.
INSERT INTO numbering (sender, highest) VALUES ($1, $2) ON CONFLICT (sender) DO UPDATE SET highest = $2

-- name: clear_gaps
-- Makes room for the gaps of a sender as they are now.
DELETE FROM number_gap WHERE sender = $1

-- name: store_gaps
-- The gaps of a sender as they are now.
INSERT INTO number_gap (sender, first, last, found_at)
SELECT $1, g.first, g.last, g.found_at
FROM unnest($2::bigint[], $3::bigint[], $4::timestamptz[]) AS g (first, last, found_at)

-- name: store_reuse
-- A number that came with another payload; nothing where that is known.
INSERT INTO number_reuse (sender, number, digest) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING number

-- name: find_reuses
-- Numbers that came with another payload and that nobody has looked at.
SELECT sender, number, digest, found_at FROM number_reuse
WHERE settled_at IS NULL ORDER BY sender, number, digest

-- name: settle_reuses
-- Somebody has looked at them.
UPDATE number_reuse SET settled_at = clock_timestamp()
WHERE sender = $1 AND number BETWEEN $2 AND $3 AND settled_at IS NULL
