-- pre: 0.1.0
-- 保留の決着: an operator lets a held notice go, applied or not, with everything it entails in one transaction.

-- Takes the notice, the states after of all persons it concerns, the keys it lets go (not those that stand in a
-- record), and what it brings. False when somebody settled it, or one of the persons moved on, meanwhile.
CREATE FUNCTION settle_held(
    settled uuid, people person_row[], untied key_row[], keys key_row[], record history_row, confirmed departure_row,
    leaf ledger_row
)
RETURNS boolean LANGUAGE plpgsql AS $$
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
    PERFORM pg_notify('outbox', '');
    RETURN true;
END
$$;
