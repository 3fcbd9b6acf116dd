-- pre: 0.1.0
-- 送り待ち: the records that wait for the 全国サーバ, and nothing else, for the role that sends them. A barrier: a
-- condition of the reader is never tried on a record that does not wait.

CREATE VIEW outgoing WITH (security_barrier) AS
SELECT o.outbox_id, h.notice_id, h.person_id, h.version, h.area, h.is_foreign, h.change, h.cause, h.event_date,
    h.resident_code, h.individual_number, h.name, h.name_kana, h.former_family_name, h.former_family_name_kana,
    h.alias, h.date_of_birth, h.birth_era, h.sex, h.address, h.address_area, h.name_gaiji, h.address_gaiji,
    h.previous_code, h.previous_number, h.record_key, h.notified_on
FROM outbox AS o
JOIN history AS h ON h.person_id = o.person_id AND h.version = o.version
WHERE o.receipt_id IS NULL
ORDER BY o.outbox_id;
