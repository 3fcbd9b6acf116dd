-- name: find_outgoing
-- What waits for the national server, oldest first. A person's rows are numbered in the order they were
-- committed (each commit compare-and-sets the person), so oldest first is in order for every person.
SELECT outbox_id, notice_id::text AS notice_id, person_id, version, area, is_foreign, change, cause, event_date,
    resident_code, individual_number, name, name_kana, former_family_name, former_family_name_kana, alias,
    date_of_birth, birth_era, sex, address, address_area, name_gaiji, address_gaiji, previous_code,
    previous_number, record_key, notified_on
FROM outgoing
ORDER BY outbox_id
LIMIT $1
