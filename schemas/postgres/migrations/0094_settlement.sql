-- pre: 0.1.0
-- 決着の控え: what became of a held notice, beside its leaf and in the same transaction, so that whoever follows the notice
-- finds it by its id. The leaf is the evidence; no door reads those of others.

CREATE TABLE settlement (
    notice_id uuid PRIMARY KEY,
    event text NOT NULL CHECK (event IN ('held_released', 'held_rejected')),
    -- Of a release, how the notice was decided; of a rejection, why.
    code text,
    reason text,
    operator text NOT NULL,
    settled_at timestamptz NOT NULL,
    CHECK ((event = 'held_released') = (code IS NOT NULL) AND (event = 'held_rejected') = (reason IS NOT NULL))
);

-- As before, and the copy.
CREATE OR REPLACE FUNCTION settle_held(
    settled uuid, people person_row[], untied key_row[], keys key_row[], record history_row, confirmed departure_row,
    leaf ledger_row
)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    told jsonb := leaf.payload;
BEGIN
    PERFORM hold_keys(sealed_of(record));
    DELETE FROM held WHERE notice_id = settled;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM person_key AS k USING unnest(untied) AS u
    WHERE k.kind = u.kind AND k.value = u.value AND k.person_id = u.person_id
        AND NOT EXISTS (
            SELECT FROM history AS h
            WHERE h.person_id = u.person_id
                AND u.value IN (h.resident_code, h.previous_code, h.area || '/' || h.record_key)
        );
    IF NOT move_people(people) OR NOT claim_keys(keys) THEN
        RETURN false;
    END IF;
    IF record.person_id IS NOT NULL THEN
        INSERT INTO history SELECT (record).*;
        INSERT INTO outbox (notice_id, person_id, version)
        VALUES (record.notice_id, record.person_id, record.version);
    ELSIF confirmed.notice_id IS NOT NULL THEN
        INSERT INTO departure SELECT (confirmed).*;
    END IF;
    INSERT INTO ledger (hash, salt, payload) SELECT (leaf).*;
    INSERT INTO settlement (notice_id, event, code, reason, operator, settled_at)
    VALUES (
        settled, told ->> 'event', told ->> 'code', told ->> 'reason', told ->> 'operator',
        (told ->> 'at')::timestamptz
    );
    PERFORM pg_notify('outbox', '');
    RETURN true;
END
$$;

-- What was settled before is told by its leaf alone; it is read once. A notice is settled once, so none stands twice.
INSERT INTO settlement (notice_id, event, code, reason, operator, settled_at)
SELECT
    (told ->> 'id')::uuid, told ->> 'event', told ->> 'code', told ->> 'reason', told ->> 'operator',
    (told ->> 'at')::timestamptz
FROM (SELECT payload::jsonb AS told FROM ledger WHERE payload LIKE '%"event":"held\_re%') AS leaves
WHERE told ->> 'event' IN ('held_released', 'held_rejected')
ON CONFLICT DO NOTHING;
