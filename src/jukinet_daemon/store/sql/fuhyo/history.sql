-- name: find_outgoing
-- What waits for the national server, oldest first. A person's rows are numbered in the order they were
-- committed (each commit compare-and-sets the person), so oldest first is in order for every person.
SELECT outbox_id, notice_id::text AS notice_id, person_id, version, area, change, event_date, resident_code,
    name, name_kana, date_of_birth, birth_era, sex, address, address_area, overseas, name_gaiji, address_gaiji,
    previous_code, record_key, notified_on
FROM outgoing
ORDER BY outbox_id
LIMIT $1
