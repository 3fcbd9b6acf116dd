-- name: find_history
-- Every record of the person that a key names, in order, with the moment it entered the file.
SELECT h.notice_id::text AS notice_id, h.person_id, h.version, h.area, h.change, h.event_date,
    h.resident_code, h.name, h.name_kana, h.date_of_birth, h.birth_era, h.sex, h.address, h.address_area,
    h.overseas, h.name_gaiji, h.address_gaiji, h.previous_code, h.record_key, h.notified_on, h.recorded_at
FROM person_key AS k
JOIN history AS h ON h.person_id = k.person_id
WHERE k.kind = $1 AND k.value = $2
ORDER BY h.version
