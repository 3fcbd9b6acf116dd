-- name: lock_keys
-- One rotation at a time. The lock goes with its connection.
SELECT lock_keys() AS locked

-- name: end_key
-- From now on nothing is sealed under a version any more.
SELECT end_key($1)

-- name: living_processes
-- What every process said of its key ring, unless it has been silent for so many seconds.
SELECT name || '@' || host AS process, (report -> 'keys')::text AS keys
FROM process
WHERE told_at > clock_timestamp() - make_interval(secs => $1)
ORDER BY process

-- name: count_sealed_held
-- How many values stand under each key version, by the two bytes in front of each.
SELECT get_byte(sealed, 0) * 256 + get_byte(sealed, 1) AS version, count(*) AS sealed
FROM held
GROUP BY 1

-- name: find_stale_held
-- The next rows after a key whose value is not under the current version.
SELECT notice_id, sealed
FROM held
WHERE notice_id > $1 AND substring(sealed FROM 1 FOR 2) <> $2
ORDER BY notice_id
LIMIT $3

-- name: reseal_held
-- Puts new values in the place of old ones; a row that was settled meanwhile is gone and stays so.
UPDATE held AS h
SET sealed = n.sealed
FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) AS n (notice_id, before, sealed)
WHERE h.notice_id = n.notice_id AND h.sealed = n.before

-- name: count_sealed_parcel
-- How many values stand under each key version.
SELECT get_byte(substring(sealed FROM 1 FOR 2), 0) * 256 + get_byte(substring(sealed FROM 1 FOR 2), 1) AS version,
    count(*) AS sealed
FROM parcel
GROUP BY 1

-- name: find_stale_parcel
-- The next rows after a key whose value is not under the current version.
SELECT parcel_id, sealed
FROM parcel
WHERE parcel_id > $1 AND substring(sealed FROM 1 FOR 2) <> $2
ORDER BY parcel_id
LIMIT $3

-- name: reseal_parcel
-- Puts new values in the place of old ones.
UPDATE parcel AS p
SET sealed = n.sealed
FROM unnest($1::bigint[], $2::bytea[], $3::bytea[]) AS n (parcel_id, before, sealed)
WHERE p.parcel_id = n.parcel_id AND p.sealed = n.before

-- name: find_without_summary
-- Parcels that an older program took.
SELECT parcel_id, sealed FROM parcel WHERE kinds IS NULL LIMIT $1

-- name: enter_summary
-- The summary of a parcel that has none.
UPDATE parcel SET fingerprint = $2, notice_ids = $3, kinds = $4 WHERE parcel_id = $1 AND kinds IS NULL
