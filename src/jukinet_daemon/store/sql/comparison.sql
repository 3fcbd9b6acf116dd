-- name: parcels_of_day
-- Parcels of a sender that came between two moments, after one of them, so many at most.
SELECT parcel_id, received_at, sealed FROM parcel
WHERE sender = $1 AND received_at >= $2 AND received_at < $3 AND (received_at, parcel_id) > ($4, $5)
ORDER BY received_at, parcel_id LIMIT $6

-- name: first_answers
-- The outcomes of notices that were first answered in one of some parcels.
SELECT notice_id::text AS notice_id, parcel_id, outcome FROM inbox
WHERE notice_id = ANY ($1::uuid[]) AND sender = $2 AND parcel_id = ANY ($3::bigint[])

-- name: relayed_of_day
-- What was relayed and receipted of a day, by kind.
SELECT change, accepted, refused FROM relayed_of_day WHERE received_on = $1

-- name: compared_with
-- Whether the newest comparison of each day with a peer since a day found a difference.
SELECT DISTINCT ON (day) day, cardinality(differing) > 0 AS differs
FROM comparison WHERE peer = $1 AND day >= $2 ORDER BY day, comparison_id DESC

-- name: store_comparison
-- What both sides counted of a day.
INSERT INTO comparison (peer, day, signed, theirs, ours, differing) VALUES ($1, $2, $3, $4, $5, $6)

-- name: find_comparisons
-- The newest comparison of each peer and day since a day.
SELECT DISTINCT ON (peer, day) peer, day, theirs, ours, differing
FROM comparison WHERE day >= $1 ORDER BY peer, day, comparison_id DESC
