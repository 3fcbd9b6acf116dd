-- name: pulse_state
-- Whether this server may be written to, and what time it thinks it is.
SELECT
    current_setting('transaction_read_only') = 'on' AS read_only,
    pg_is_in_recovery() AS standby,
    clock_timestamp() AS database_time

-- name: pulse_write
-- A commit that reaches the disk, and the standby if there is one, and leaves no row behind.
SELECT pg_logical_emit_message(true, 'jukinet pulse', '')

-- name: session_defaults
-- What a role or this database sets for new sessions of ours: it counts over the server's own settings.
SELECT split_part(setting, '=', 1) AS name, split_part(setting, '=', 2) AS setting
FROM pg_db_role_setting, unnest(setconfig) AS setting
WHERE
    setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    AND setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user))
    AND setting LIKE 'synchronous_commit=%'
