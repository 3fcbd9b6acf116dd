-- name: look_for_shared_numbers
-- How many numbers more than one resident shows; null where it is too soon to look, or another process looks.
SELECT look_for_shared_numbers() AS shared

-- name: find_shared_numbers
-- Of those who were found, who shares a number still.
SELECT notice_ids, areas FROM shared_numbers()

-- name: shared_number_looked_at
-- When all residents were looked at.
SELECT looked_at FROM shared_number_look
