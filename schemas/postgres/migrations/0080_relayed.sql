-- pre: 0.1.0
-- 全国サーバとの日次照合: on which day the national server took a record, and what a day comes to.

-- The day its receipt names, of the first answer; so both sides put a record under one day whatever was under way
-- at midnight.
ALTER TABLE outbox ADD COLUMN received_on date;

-- What was receipted before: the day its receipt came.
ALTER TABLE outbox DISABLE TRIGGER closed_for_good;
UPDATE outbox SET received_on = (receipt.received_at AT TIME ZONE 'Asia/Tokyo')::date
FROM receipt WHERE receipt.receipt_id = outbox.receipt_id;
ALTER TABLE outbox ENABLE TRIGGER closed_for_good;

-- Records are closed nearly in the order of their rows, so a day lies in few pages; and it costs a commit nothing.
CREATE INDEX outbox_by_day ON outbox USING brin (received_on)
WITH (pages_per_range = 32, autosummarize = on);

-- Counts, no records: the relay may not read again what it has sent.
CREATE VIEW relayed_of_day AS
SELECT o.received_on, h.change,
    count(*) FILTER (WHERE o.refused IS NULL) AS accepted,
    count(*) FILTER (WHERE o.refused IS NOT NULL) AS refused
FROM outbox AS o
JOIN history AS h ON h.person_id = o.person_id AND h.version = o.version
WHERE o.receipt_id IS NOT NULL
GROUP BY o.received_on, h.change;
