-- name: tell_process
-- What this process says of itself now. It waits for no standby, though a catalog that is tidied in passing is
-- written to the WAL: who waits there would be silent just when the standby is missed.
INSERT INTO process (name, host, report, metrics)
SELECT $1, $2, $3::jsonb, $4
FROM set_config('synchronous_commit', 'off', true) AS durability
WHERE durability = 'off'
ON CONFLICT (name, host) DO UPDATE
SET told_at = clock_timestamp(), report = excluded.report, metrics = excluded.metrics

-- name: forget_process
-- A process that ends in good order.
SELECT forget_process($1, $2)

-- name: other_processes
-- What the others said of themselves, unless they have been silent for so many seconds.
SELECT name, host, report::text AS report, metrics
FROM process
WHERE (name, host) <> ($1, $2) AND told_at > clock_timestamp() - make_interval(secs => $3)
ORDER BY name, host
