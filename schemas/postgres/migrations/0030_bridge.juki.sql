-- pre: 0.1.0
-- 橋 (法30条の44の6第3項): the 都道府県 server's side. The bridge's role has no right on any table; it may call the
-- functions below and nothing else. They run with the owner's rights and give the last record only.

-- 求めの使い切り: the right of a request is burnt by its row here, in the transaction of the answer. Append-only.
CREATE TABLE bridge_answer (
    request_id uuid PRIMARY KEY,
    case_id uuid NOT NULL,
    office text NOT NULL,
    basis text NOT NULL,
    affair text NOT NULL,
    thumbprint text NOT NULL,
    person_id bigint REFERENCES person,
    code text NOT NULL,
    answered_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX bridge_answer_of ON bridge_answer (person_id) WHERE person_id IS NOT NULL;

-- `expected` is the version of the person the answer was decided on, 0 where the file had nobody, null where
-- nothing was read.
CREATE TYPE bridge_answer_row AS (
    request_id uuid, case_id uuid, office text, basis text, affair text, thumbprint text, person_id bigint,
    code text, resident_code text, expected integer
);

-- What the file says of the persons whose codes are given, one row a code in the order given: the stay that
-- began last and its newest record, the number sealed as it stands. A few codes at a time, so that it cannot
-- be used to go through the file.
CREATE FUNCTION bridge_find(codes text[])
RETURNS TABLE (
    person_id bigint, version integer, waiting integer, is_open boolean, is_foreign boolean, change text,
    cause text, event_date text, resident_code text, record_version integer, individual_number bytea
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF cardinality(codes) > 100 THEN
        RAISE EXCEPTION 'too many codes at once' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN QUERY
        SELECT p.person_id, p.version::integer, p.waiting::integer,
            EXISTS (SELECT FROM unnest(p.stays) AS s WHERE s.is_open),
            h.is_foreign, h.change::text, h.cause::text, h.event_date::text, h.resident_code::text, h.version,
            h.individual_number
        FROM unnest(codes) WITH ORDINALITY AS wanted (code, place)
        LEFT JOIN person_key AS k ON k.kind = 'code' AND k.value = wanted.code
        LEFT JOIN person AS p ON p.person_id = k.person_id
        LEFT JOIN history AS h
            ON h.person_id = p.person_id AND h.version = (p.stays[cardinality(p.stays)]).version
        ORDER BY wanted.place;
END
$$;

-- Burns requests, each with its evidence, and says in a word a request what became of it: done; burnt (it was
-- answered before); moved (the person moved on since the answer was decided: read and decide again).
CREATE FUNCTION bridge_burn(answers bridge_answer_row[], leaves ledger_row[]) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    a bridge_answer_row;
    version_now integer;
    i integer;
    results text[] := '{}';
BEGIN
    -- Held until the commit: whoever comes back now comes after the answer. In the order in which commit_batch
    -- locks persons, all before the first request is burnt, and requests too
    -- in one order.
    PERFORM FROM person WHERE person_id IN (
        SELECT k.person_id FROM person_key AS k JOIN unnest(answers) AS w ON k.value = w.resident_code
        WHERE k.kind = 'code' AND w.expected IS NOT NULL
    ) ORDER BY person_id FOR SHARE;
    FOR i IN SELECT place FROM generate_subscripts(answers, 1) AS place ORDER BY (answers[place]).request_id LOOP
        a := answers[i];
        IF a.expected IS NOT NULL THEN
            SELECT p.version INTO version_now
            FROM person_key AS k JOIN person AS p ON p.person_id = k.person_id
            WHERE k.kind = 'code' AND k.value = a.resident_code FOR SHARE OF p;
            IF coalesce(version_now, 0) <> a.expected THEN
                results[i] := 'moved';
                CONTINUE;
            END IF;
        END IF;
        INSERT INTO bridge_answer (request_id, case_id, office, basis, affair, thumbprint, person_id, code)
        VALUES (a.request_id, a.case_id, a.office, a.basis, a.affair, a.thumbprint, a.person_id, a.code)
        ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            results[i] := 'burnt';
            CONTINUE;
        END IF;
        INSERT INTO ledger (hash, salt, payload) SELECT (leaves[i]).*;
        results[i] := 'done';
    END LOOP;
    RETURN results;
END
$$;

-- Evidence of what was refused without a request being burnt.
CREATE FUNCTION bridge_note(leaves ledger_row[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO ledger (hash, salt, payload) SELECT (leaf).* FROM unnest(leaves) AS leaf
$$;
