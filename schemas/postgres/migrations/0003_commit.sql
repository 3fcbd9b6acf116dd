-- pre: 0.1.0
-- 確定: one transaction a record at the speed of a batch. Knows no law: compare-and-set and insert.

CREATE TYPE decision AS (
    inbox inbox_row,
    expected integer,
    person person_row,
    keys key_row[],
    others person_row[],
    history history_row,
    held held_row,
    departure departure_row,
    leaf ledger_row
);

-- Commits each decision in a transaction of its own and says in results, one word a decision, what became of
-- it: done, seen (the notice id is there already), conflict (the person moved on; read and decide again).
-- All but the closing transaction commit asynchronously; the closing one is synchronous and writes, so its
-- flush makes the earlier ones durable. Only when the call has returned may anything be acknowledged.
-- Nothing is committed where a value stands under a key version that has ended, and none ends meanwhile.
-- Locks on persons are taken in the order of their numbers, here as everywhere: elsewise two would wait for
-- one another.
CREATE PROCEDURE commit_batch(
    parcels parcel_row[], decisions decision[], repeats uuid[], INOUT results text[]
)
LANGUAGE plpgsql AS $$
DECLARE
    d decision;
    seen inbox_row;
    p person_row;
    k key_row;
    record history_row;
    leaf ledger_row;
    touched bigint[];
    moved_on bigint[] := '{}';
    lost boolean;
    relayed boolean := false;
BEGIN
    results := '{}';
    -- The lock outlives the commits of the decisions. What an error left of it goes first: a session of the door holds no other.
    PERFORM pg_advisory_unlock_all(), hold_sealing();
    IF EXISTS (SELECT FROM ended_key) AND under_ended_key(ARRAY(
        SELECT sent.sealed FROM unnest(parcels) AS sent
        UNION ALL SELECT (made.held).sealed FROM unnest(decisions) AS made
        UNION ALL SELECT value FROM unnest(decisions) AS made, unnest(sealed_of(made.history)) AS value
    )) THEN
        RAISE EXCEPTION 'a key version has ended' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;

    IF cardinality(parcels) > 0 THEN
        SET LOCAL synchronous_commit = off;
        INSERT INTO parcel SELECT (sent).* FROM unnest(parcels) AS sent ON CONFLICT DO NOTHING;
        COMMIT;
    END IF;

    FOREACH d IN ARRAY decisions LOOP
        SET LOCAL synchronous_commit = off;
        -- A variable is taken apart once; every mention of a field of d would take its part apart again.
        seen := d.inbox;
        p := d.person;
        record := d.history;
        leaf := d.leaf;

        IF seen.notice_id IS NOT NULL THEN
            INSERT INTO inbox (notice_id, sender, parcel_id, fingerprint, outcome, code, answer)
            VALUES (seen.*) ON CONFLICT DO NOTHING;
            IF NOT FOUND THEN
                ROLLBACK;
                -- Whoever took this id may have moved its person, and not to where this batch thinks.
                moved_on := moved_on || p.person_id || ARRAY(SELECT person_id FROM unnest(d.others));
                results := array_append(results, 'seen');
                CONTINUE;
            END IF;
        END IF;

        IF p.person_id IS NOT NULL THEN
            -- Once a person has moved on, no later decision of the batch may meet its version by chance.
            lost := array_position(moved_on, p.person_id) IS NOT NULL;
            IF cardinality(d.others) > 0 THEN
                touched := p.person_id || ARRAY(SELECT person_id FROM unnest(d.others));
                lost := touched && moved_on;
                PERFORM FROM person WHERE person_id = ANY (touched) ORDER BY person_id FOR NO KEY UPDATE;
            END IF;
            -- What move_person and claim_keys do, here without a call: every record passes this way.
            IF d.expected = 0 THEN
                INSERT INTO person VALUES (p.*) ON CONFLICT DO NOTHING;
            ELSE
                UPDATE person
                SET version = p.version, current = p.current, stays = p.stays, waiting = p.waiting, coded = p.coded
                WHERE person_id = p.person_id AND version = d.expected;
            END IF;
            lost := lost OR NOT FOUND;
            FOREACH k IN ARRAY d.keys LOOP
                INSERT INTO person_key VALUES (k.*) ON CONFLICT DO NOTHING;
                lost := lost OR NOT FOUND;
            END LOOP;
            IF lost OR cardinality(d.others) > 0 AND NOT move_people(d.others) THEN
                ROLLBACK;
                moved_on := moved_on || p.person_id || ARRAY(SELECT person_id FROM unnest(d.others));
                results := array_append(results, 'conflict');
                CONTINUE;
            END IF;
        END IF;

        IF record.person_id IS NOT NULL THEN
            INSERT INTO history VALUES (record.*);
            INSERT INTO outbox (notice_id, person_id, version)
            VALUES (record.notice_id, record.person_id, record.version);
            relayed := true;
        ELSIF (d.held).notice_id IS NOT NULL THEN
            INSERT INTO held (notice_id, person_id, others, code, sender, tied, sealed, notified_on)
            SELECT (d.held).*;
        ELSIF (d.departure).notice_id IS NOT NULL THEN
            INSERT INTO departure SELECT (d.departure).*;
        END IF;

        INSERT INTO ledger (hash, salt, payload) VALUES (leaf.*);
        COMMIT;
        results := array_append(results, 'done');
    END LOOP;

    PERFORM pg_advisory_unlock_all();
    UPDATE closing SET batches = batches + 1 WHERE slot = pg_backend_pid() % 16;
    IF cardinality(repeats) > 0 THEN
        UPDATE inbox SET redelivered = redelivered + 1 WHERE notice_id = ANY (repeats);
    END IF;
    IF relayed THEN
        PERFORM pg_notify('outbox', '');
    END IF;
    COMMIT;
END
$$;

-- Compare-and-set of one person; false when it is no longer at the version expected (0: not there yet).
CREATE FUNCTION move_person(expected integer, p person_row) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF expected = 0 THEN
        INSERT INTO person SELECT (p).* ON CONFLICT DO NOTHING;
    ELSE
        UPDATE person
        SET version = p.version, current = p.current, stays = p.stays, waiting = p.waiting, coded = p.coded
        WHERE person_id = p.person_id AND version = expected;
    END IF;
    RETURN FOUND;
END
$$;

-- Compare-and-set of persons that are there, each by one version.
CREATE FUNCTION move_people(people person_row[]) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    p person_row;
BEGIN
    PERFORM FROM person WHERE person_id IN (SELECT person_id FROM unnest(people)) ORDER BY person_id FOR NO KEY UPDATE;
    FOREACH p IN ARRAY people LOOP
        IF NOT move_person(p.version - 1, p) THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN true;
END
$$;

-- Gives a person its new keys; false when another person took one meanwhile.
CREATE FUNCTION claim_keys(keys key_row[]) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    claimed integer;
BEGIN
    IF cardinality(keys) = 0 THEN
        RETURN true;
    END IF;
    INSERT INTO person_key SELECT (k).* FROM unnest(keys) AS k ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS claimed = ROW_COUNT;
    RETURN claimed = cardinality(keys);
END
$$;
