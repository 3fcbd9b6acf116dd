-- name: lock_seal
-- One sealer at a time; another finds nothing to do.
SELECT lock_seal() AS mine

-- name: current_log
-- The log that grows.
SELECT log_id, origin FROM ledger_log ORDER BY log_id DESC LIMIT 1

-- name: begin_log
-- A log from its first leaf.
INSERT INTO ledger_log (log_id, origin) VALUES ($1, $2)

-- name: restart_log
-- A log begins because the one before it cannot grow any more, with its leaf of evidence.
WITH told AS (INSERT INTO ledger (hash, salt, payload) VALUES ($3, $4, $5))
INSERT INTO ledger_log (log_id, origin) VALUES ($1, $2) RETURNING log_id

-- name: newest_checkpoint
-- How far a log is sealed.
SELECT size, note, peaks, seen, sealed_at FROM ledger_checkpoint WHERE log_id = $1 ORDER BY size DESC LIMIT 1

-- name: find_checkpoint
-- The checkpoint of one size.
SELECT note FROM ledger_checkpoint WHERE log_id = $1 AND size = $2

-- name: find_conflicts
-- Checkpoints under our key that this log does not have.
SELECT sender, size, note, found_at FROM ledger_conflict WHERE log_id = $1 ORDER BY conflict_id

-- name: find_ledger_gaps
-- Numbers that were passed over.
SELECT lower(entries) AS first, upper(entries) AS after FROM ledger_gap WHERE log_id = $1 ORDER BY entries

-- name: find_late_leaves
-- Leaves whose numbers were passed over because they were not committed yet. Gap by gap: joined at large, the
-- planner would read the whole ledger every time.
SELECT late.entry_id, late.hash
FROM ledger_gap AS g
CROSS JOIN LATERAL (
    SELECT l.entry_id, l.hash FROM ledger AS l
    WHERE l.entry_id >= lower(g.entries) AND l.entry_id < upper(g.entries)
    ORDER BY l.entry_id
    LIMIT $2
) AS late
WHERE g.log_id = $1
ORDER BY late.entry_id
LIMIT $2

-- name: find_new_leaves
-- Leaves above the highest that has a place.
SELECT entry_id, hash FROM ledger WHERE entry_id > $1 ORDER BY entry_id LIMIT $2

-- name: store_runs
-- Gives leaves their places.
INSERT INTO ledger_run (log_id, position, entries)
SELECT $1, r.position, int8range(r.first, r.first + r.length)
FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS r (position, first, length)

-- name: clear_ledger_gaps
-- Takes gaps away, whole.
DELETE FROM ledger_gap AS g USING unnest($2::bigint[], $3::bigint[]) AS gone (first, after)
WHERE g.log_id = $1 AND g.entries = int8range(gone.first, gone.after)

-- name: store_ledger_gaps
-- Remembers numbers that were passed over.
INSERT INTO ledger_gap (log_id, entries)
SELECT $1, int8range(g.first, g.after) FROM unnest($2::bigint[], $3::bigint[]) AS g (first, after)

-- name: store_nodes
-- Keeps subtrees that became complete.
INSERT INTO ledger_node (log_id, level, index, hash)
SELECT $1, n.level, n.index, n.hash FROM unnest($2::smallint[], $3::bigint[], $4::bytea[]) AS n (level, index, hash)

-- name: store_checkpoint
-- Seals the log up to a size.
INSERT INTO ledger_checkpoint (log_id, size, grew_from, note, peaks, seen) VALUES ($1, $2, $3, $4, $5, $6)

-- name: find_nodes
-- Kept subtrees, side by side: level, first index, last.
SELECT n.level, n.index, n.hash
FROM unnest($2::smallint[], $3::bigint[], $4::bigint[]) AS w (level, first, last)
JOIN ledger_node AS n ON n.log_id = $1 AND n.level = w.level AND n.index BETWEEN w.first AND w.last

-- name: find_placed
-- The hashes of leaves by their places, first and last of each stretch. A run may begin before its stretch.
SELECT r.position + l.entry_id - lower(r.entries) AS position, l.hash
FROM unnest($2::bigint[], $3::bigint[]) AS w (first, last)
JOIN ledger_run AS r ON r.log_id = $1 AND r.position BETWEEN (
    SELECT max(before.position) FROM ledger_run AS before
    WHERE before.log_id = $1 AND before.position <= w.first
) AND w.last
JOIN ledger AS l
    ON l.entry_id >= lower(r.entries) + greatest(w.first - r.position, 0)
    AND l.entry_id < least(upper(r.entries), lower(r.entries) + w.last + 1 - r.position)

-- name: find_witnesses
-- The checkpoints that municipalities returned.
SELECT note, size FROM ledger_witness WHERE log_id = $1

-- name: store_witness
-- A municipality returned a newer checkpoint than before.
INSERT INTO ledger_witness AS w (sender, log_id, size, note, parcel_digest) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (sender) DO UPDATE
SET log_id = excluded.log_id, size = excluded.size, note = excluded.note,
    parcel_digest = excluded.parcel_digest, witnessed_at = clock_timestamp()
WHERE (w.log_id, w.size) < (excluded.log_id, excluded.size)

-- name: store_conflict
-- Somebody holds a checkpoint under our key that this log does not have; with its leaf.
WITH found AS (
    INSERT INTO ledger_conflict (log_id, sender, size, note, parcel_digest) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING
    RETURNING conflict_id
)
, told AS (
    INSERT INTO ledger (hash, salt, payload) SELECT $6::bytea, $7::bytea, $8::text FROM found
)
SELECT conflict_id FROM found

-- name: ledger_state
-- How far the ledger is sealed and witnessed; the oldest leaf that is not sealed; the oldest checkpoint that
-- nobody has returned.
SELECT l.log_id, l.origin, c.size, c.sealed_at, w.size AS witnessed, w.witnesses,
    (SELECT recorded_at FROM ledger WHERE entry_id > coalesce(c.seen, 0) ORDER BY entry_id LIMIT 1) AS unsealed_since,
    (
        SELECT sealed_at FROM ledger_checkpoint
        WHERE log_id = l.log_id AND size > coalesce(w.size, 0) ORDER BY size LIMIT 1
    ) AS unwitnessed_since
FROM (SELECT 1) AS one
LEFT JOIN (SELECT log_id, origin FROM ledger_log ORDER BY log_id DESC LIMIT 1) AS l ON true
LEFT JOIN LATERAL (
    SELECT size, sealed_at, seen FROM ledger_checkpoint WHERE log_id = l.log_id ORDER BY size DESC LIMIT 1
) AS c ON true
LEFT JOIN LATERAL (
    SELECT max(size) AS size, count(*) AS witnesses FROM ledger_witness WHERE log_id = l.log_id
) AS w ON true

-- name: audit_checkpoints
-- The checkpoints of a log above a size, so many at most.
SELECT size, grew_from, note, peaks, seen FROM ledger_checkpoint
WHERE log_id = $1 AND size > $2 ORDER BY size LIMIT $3

-- name: audit_leaves
-- What stands at the places of a stretch, whole runs; a leaf that is gone has no hash.
SELECT r.position + n AS position, lower(r.entries) + n AS entry_id, l.hash, l.salt, l.payload
FROM ledger_run AS r
CROSS JOIN LATERAL generate_series(0, upper(r.entries) - lower(r.entries) - 1) AS n
LEFT JOIN ledger AS l ON l.entry_id = lower(r.entries) + n
WHERE r.log_id = $1 AND r.position >= $2 AND r.position < $3
ORDER BY position

-- name: audit_rest
-- What stands beside the checkpoints of a log that is sealed up to a size and an entry.
SELECT
    (SELECT count(*) FROM ledger_run WHERE log_id = $1 AND position >= $2::bigint) AS places_left,
    (SELECT count(*) FROM ledger_node WHERE log_id = $1) AS nodes,
    (SELECT count(*) FROM ledger WHERE entry_id <= $3::bigint) AS below,
    (SELECT count(*) FROM ledger WHERE entry_id > $3::bigint) AS above,
    (
        SELECT count(*) FROM ledger_gap AS g
        JOIN ledger AS l ON l.entry_id >= lower(g.entries) AND l.entry_id < upper(g.entries)
        WHERE g.log_id = $1
    ) AS late

-- name: audit_holes
-- The numbers between the runs of a log; where runs overlap, a hole that ends before it begins.
SELECT first, after FROM (
    SELECT coalesce(lag(upper(entries)) OVER (ORDER BY entries), 1) AS first, lower(entries) AS after
    FROM ledger_run WHERE log_id = $1
) AS holes
WHERE first <> after

-- name: all_witnesses
-- The checkpoints that municipalities returned of a log.
SELECT sender, note FROM ledger_witness WHERE log_id = $1 ORDER BY sender

-- name: find_receipt
-- The first answer to a notice, and when its parcel came.
SELECT i.answer, p.received_at FROM inbox AS i LEFT JOIN parcel AS p ON p.parcel_id = i.parcel_id
WHERE i.notice_id = $1

-- name: find_leaf
-- A leaf by its hash, looked for from what was sealed before a moment.
SELECT entry_id, salt, payload FROM ledger
WHERE hash = $1 AND entry_id > coalesce((
    SELECT seen FROM ledger_checkpoint WHERE sealed_at < $2::timestamptz ORDER BY sealed_at DESC LIMIT 1
), 0)
ORDER BY entry_id LIMIT 1

-- name: find_place
-- The place of an entry.
SELECT position + $2::bigint - lower(entries) AS position FROM ledger_run
WHERE int4range(log_id, log_id, '[]') && int4range($1::int, $1::int, '[]') AND entries @> $2::bigint
