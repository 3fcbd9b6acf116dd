-- name: note_leaves
-- Evidence that belongs to no request.
SELECT bridge_note($1::ledger_row[])
