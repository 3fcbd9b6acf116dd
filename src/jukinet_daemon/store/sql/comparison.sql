-- name: count_day
-- How many notices of a sender were first answered in parcels that came between two moments, by kind and outcome.
SELECT s.kind, i.outcome, count(*) AS notices
FROM parcel AS p
CROSS JOIN LATERAL unnest(p.notice_ids, p.kinds) AS s (notice_id, kind)
JOIN inbox AS i ON i.notice_id = s.notice_id AND i.parcel_id = p.parcel_id
WHERE p.sender = $1 AND p.received_at >= $2 AND p.received_at < $3
GROUP BY s.kind, i.outcome

-- name: day_without_summary
-- Whether a parcel of a sender that came between two moments has no summary.
SELECT EXISTS (
    SELECT FROM parcel WHERE sender = $1 AND received_at >= $2 AND received_at < $3 AND kinds IS NULL
) AS lacking

-- name: relayed_of_day
-- What was relayed and receipted of a day, by kind.
SELECT change, accepted, refused FROM relayed_of_day WHERE received_on = $1

-- name: compared_with
-- Whether the newest comparison of each day with a peer since a day, up to now, found a difference, and when it was.
SELECT DISTINCT ON (day) day, cardinality(differing) > 0 AS differs, compared_at
FROM comparison WHERE peer = $1 AND day >= $2 AND compared_at <= $3 ORDER BY day, comparison_id DESC

-- name: store_comparison
-- What both sides counted of a day.
INSERT INTO comparison (peer, day, signed, theirs, ours, differing) VALUES ($1, $2, $3, $4, $5, $6)

-- name: find_comparisons
-- The newest comparison of each peer and day since a day.
SELECT DISTINCT ON (peer, day) peer, day, theirs, ours, differing
FROM comparison WHERE day >= $1 ORDER BY peer, day, comparison_id DESC
