-- name: look_for_shared_numbers
-- Looks at all residents for numbers that more than one shows; false where it is too soon or another looks.
SELECT look_for_shared_numbers() AS looked

-- name: find_shared_numbers
-- Of those who were found, who shares a number still.
SELECT notice_ids, areas FROM shared_numbers()

-- name: shared_number_looked_at
-- When all residents were looked at; nothing before the first look.
SELECT looked_at FROM shared_number_look WHERE isfinite(looked_at)
