-- pre: 0.1.0
-- 来た電文: in which parcels the records that wait came, by digest, for the log of the role that sends them.

CREATE VIEW outgoing_origin WITH (security_barrier) AS
SELECT o.outbox_id, p.digest
FROM outbox AS o
JOIN inbox AS i ON i.notice_id = o.notice_id
JOIN parcel AS p ON p.parcel_id = i.parcel_id
WHERE o.receipt_id IS NULL;
