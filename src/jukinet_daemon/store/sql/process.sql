-- name: tell_process
-- What this process says of itself now.
INSERT INTO process (name, host, report, metrics) VALUES ($1, $2, $3::jsonb, $4)
ON CONFLICT (name, host) DO UPDATE
SET told_at = clock_timestamp(), report = excluded.report, metrics = excluded.metrics

-- name: forget_process
-- A process that ends in good order.
DELETE FROM process WHERE name = $1 AND host = $2

-- name: other_processes
-- What the others said of themselves, unless they have been silent for so many seconds. Of one that says more than
-- any of ours does (bytes), nothing: whoever writes a gigabyte must not take the memory and time of who reads it.
SELECT name, host, CASE WHEN heard THEN report::text END AS report, CASE WHEN heard THEN metrics ELSE '' END AS metrics
FROM process, LATERAL (SELECT octet_length(report::text) <= 2097152 AND octet_length(metrics) <= 262144) AS size (heard)
WHERE (name, host) <> ($1, $2) AND told_at > clock_timestamp() - make_interval(secs => $3)
ORDER BY name, host
