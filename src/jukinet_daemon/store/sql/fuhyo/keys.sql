-- name: count_sealed_bridge_held
-- How many values stand under each key version.
SELECT get_byte(sealed, 0) * 256 + get_byte(sealed, 1) AS version, count(*) AS sealed
FROM bridge_held
GROUP BY 1

-- name: find_stale_bridge_held
-- The next rows after a key whose value is not under the current version.
SELECT case_id, place, sealed
FROM bridge_held
WHERE (case_id, place) > ($1, $2) AND substring(sealed FROM 1 FOR 2) <> $3
ORDER BY case_id, place
LIMIT $4

-- name: reseal_bridge_held
-- Puts new values in the place of old ones; a row that was delivered or erased meanwhile is gone and stays so.
UPDATE bridge_held AS b
SET sealed = n.sealed
FROM unnest($1::uuid[], $2::integer[], $3::bytea[], $4::bytea[]) AS n (case_id, place, before, sealed)
WHERE b.case_id = n.case_id AND b.place = n.place AND b.sealed = n.before
