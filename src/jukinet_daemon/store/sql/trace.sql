-- name: trace_notice
-- What became of a notice, from the parcel it came in to the national server's receipt, without what it says.
SELECT i.sender, p.number, p.digest, p.thumbprint, p.received_at, i.outcome, i.code, i.redelivered, i.answer,
    h.code AS waits, h.held_at, s.event, s.code AS settled_as, s.reason, s.operator, s.settled_at, o.outbox_id, o.entered_at, o.refused, r.parcel_digest, r.received_at AS receipted_at
FROM inbox AS i
LEFT JOIN parcel AS p ON p.parcel_id = i.parcel_id
LEFT JOIN held AS h ON h.notice_id = i.notice_id
LEFT JOIN settlement AS s ON s.notice_id = i.notice_id
LEFT JOIN outbox AS o ON o.notice_id = i.notice_id
LEFT JOIN receipt AS r ON r.receipt_id = o.receipt_id
WHERE i.notice_id = $1
