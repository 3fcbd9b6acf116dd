-- name: database_settings
-- What the server must lose nothing by, and put nothing personal into its log by.
SELECT name, setting FROM pg_settings
WHERE name IN (
    'fsync', 'full_page_writes', 'data_checksums', 'synchronous_commit', 'server_version_num',
    'log_error_verbosity', 'log_parameter_max_length', 'log_parameter_max_length_on_error'
)

-- name: has_schema
-- Whether the database was ever migrated.
SELECT to_regclass('schema_migration') IS NOT NULL AS migrated

-- name: schema_version
-- The migrations this database has, and whose register it is.
SELECT coalesce(array_agg(version ORDER BY version), '{}') AS versions, min(register) AS register
FROM schema_migration

-- name: ping
-- Whether the database answers.
SELECT 1 AS one

-- name: database_clock
-- What time it is at the database, to compare with ours.
SELECT clock_timestamp() AS moment

-- name: outbox_waiting
-- What waits for the national server: how many, and since when. No program of ours writes a time without end.
SELECT
    count(*) AS depth,
    extract(epoch FROM clock_timestamp() - min(entered_at) FILTER (WHERE isfinite(entered_at)))::float8 AS age
FROM outbox WHERE receipt_id IS NULL

-- name: outbox_refused
-- What the national server refused.
SELECT count(*) AS refused FROM outbox WHERE refused IS NOT NULL

-- name: held_waiting
-- Notices that wait for an operator.
SELECT count(*) AS held FROM held

-- name: last_parcels
-- When each municipality last sent. A time to come, or beyond our calendar, is of no parcel: whoever takes the notices
-- door over can write one, and must neither hide a silence nor break the page that tells of it.
SELECT s.sender, (
    SELECT received_at FROM parcel
    WHERE parcel.sender = s.sender AND received_at BETWEEN '2000-01-01' AND now() + interval '1 day'
    ORDER BY received_at DESC LIMIT 1
) AS received_at
FROM unnest($1::text[]) AS s (sender)

-- name: heard_of_sender
-- When a sender was heard since a moment, no two nearer together than a step: one index probe each.
WITH RECURSIVE heard (heard_at) AS (
    (
        SELECT received_at FROM parcel
        WHERE sender = $1 AND received_at >= $2 AND received_at < now() + interval '1 day'
        ORDER BY received_at LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT received_at FROM parcel
        WHERE sender = $1 AND received_at > heard.heard_at + $3::interval AND received_at < now() + interval '1 day'
        ORDER BY received_at LIMIT 1
    )
    FROM heard WHERE heard.heard_at IS NOT NULL
)
SELECT heard_at FROM heard
