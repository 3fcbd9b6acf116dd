-- name: count_sealed_history
-- How many values stand under each key version: numbers, previous numbers and indexes.
SELECT get_byte(value, 0) * 256 + get_byte(value, 1) AS version, count(*) AS sealed
FROM history, unnest(ARRAY[individual_number, individual_number_index, previous_number]) AS value
WHERE value IS NOT NULL
GROUP BY 1

-- name: find_stale_history
-- The next rows after a key with any value that is not under the current version.
SELECT person_id, version, individual_number, individual_number_index, previous_number
FROM history
WHERE (person_id, version) > ($1, $2)
    AND (
        substring(individual_number FROM 1 FOR 2) <> $3
        OR substring(individual_number_index FROM 1 FOR 2) <> $3
        OR substring(previous_number FROM 1 FOR 2) <> $3
    )
ORDER BY person_id, version
LIMIT $4

-- name: reseal_history
-- Puts new values in the place of old ones, number and index together.
UPDATE history AS h
SET individual_number = n.number, individual_number_index = n.index, previous_number = n.previous
FROM unnest(
    $1::bigint[], $2::integer[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bytea[], $8::bytea[]
) AS n (person_id, version, number_before, index_before, previous_before, number, index, previous)
WHERE h.person_id = n.person_id AND h.version = n.version
    AND h.individual_number IS NOT DISTINCT FROM n.number_before
    AND h.individual_number_index IS NOT DISTINCT FROM n.index_before
    AND h.previous_number IS NOT DISTINCT FROM n.previous_before
