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
CREATE PROCEDURE commit_batch(
    parcels parcel_row[], decisions decision[], repeats uuid[], INOUT results text[]
)
LANGUAGE plpgsql AS $$
DECLARE
    d decision;
    touched bigint[];
    moved_on bigint[] := '{}';
BEGIN
    results := '{}';
    IF cardinality(parcels) > 0 THEN
        PERFORM set_config('synchronous_commit', 'off', true);
        INSERT INTO parcel SELECT (p).* FROM unnest(parcels) AS p ON CONFLICT DO NOTHING;
        COMMIT;
    END IF;

    FOREACH d IN ARRAY decisions LOOP
        PERFORM set_config('synchronous_commit', 'off', true);

        IF (d.inbox).notice_id IS NOT NULL THEN
            INSERT INTO inbox (notice_id, sender, parcel_id, fingerprint, outcome, code, answer)
            SELECT (d.inbox).* ON CONFLICT DO NOTHING;
            IF NOT FOUND THEN
                ROLLBACK;
                -- Whoever took this id may have moved its person, and not to where this batch thinks.
                moved_on := array_append(moved_on, (d.person).person_id);
                results := array_append(results, 'seen');
                CONTINUE;
            END IF;
        END IF;

        IF (d.person).person_id IS NOT NULL THEN
            touched := (d.person).person_id || ARRAY(SELECT person_id FROM unnest(d.others));
            -- Once a person has moved on, no later decision of the batch may meet its version by chance.
            IF touched && moved_on OR NOT move_person(d.expected, d.person) OR NOT move_people(d.others)
                OR NOT claim_keys(d.keys)
            THEN
                ROLLBACK;
                moved_on := moved_on || touched;
                results := array_append(results, 'conflict');
                CONTINUE;
            END IF;
        END IF;

        IF (d.history).person_id IS NOT NULL THEN
            INSERT INTO history SELECT (d.history).*;
            INSERT INTO outbox (notice_id, person_id, version)
            VALUES ((d.history).notice_id, (d.history).person_id, (d.history).version);
        ELSIF (d.held).notice_id IS NOT NULL THEN
            INSERT INTO held (notice_id, person_id, others, code, sender, tied, sealed, notified_on)
            SELECT (d.held).*;
        ELSIF (d.departure).notice_id IS NOT NULL THEN
            INSERT INTO departure SELECT (d.departure).*;
        END IF;

        INSERT INTO ledger (hash, salt, payload) SELECT (d.leaf).*;
        COMMIT;
        results := array_append(results, 'done');
    END LOOP;

    UPDATE closing SET batches = batches + 1;
    IF cardinality(repeats) > 0 THEN
        UPDATE inbox SET redelivered = redelivered + 1 WHERE notice_id = ANY (repeats);
    END IF;
    PERFORM pg_notify('outbox', '');
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
