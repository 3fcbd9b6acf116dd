-- name: find_outgoing
-- What waits for the national server, oldest first. A person's rows are numbered in the order they were
-- committed (each commit compare-and-sets the person), so oldest first is in order for every person.
SELECT o.outbox_id, h.notice_id::text AS notice_id, h.person_id, h.version, h.area, h.is_foreign, h.change,
    h.cause, h.event_date, h.resident_code, h.individual_number, h.name, h.name_kana, h.former_family_name,
    h.former_family_name_kana, h.alias, h.date_of_birth, h.birth_era, h.sex, h.address, h.address_area,
    h.name_gaiji, h.address_gaiji, h.previous_code, h.previous_number, h.record_key, h.notified_on
FROM outbox AS o
JOIN history AS h ON h.person_id = o.person_id AND h.version = o.version
WHERE o.receipt_id IS NULL
ORDER BY o.outbox_id
LIMIT $1
