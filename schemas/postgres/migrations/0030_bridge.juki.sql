-- pre: 0.1.0
-- 橋 (法30条の44の6第3項): the 都道府県 server's side. The bridge's role has no right on any table; it may call the
-- functions whose names begin with bridge_ and nothing else. They run with the owner's rights. A sealed number leaves
-- by bridge_give alone.

-- 求めの使い切り: the right of a request is burnt by its row here, in the transaction of the answer. Append-only.
-- `record_version` is the record whose number the answer gives, null where it gives none.
CREATE TABLE bridge_answer (
    request_id uuid PRIMARY KEY,
    case_id uuid NOT NULL,
    office text NOT NULL,
    basis text NOT NULL,
    affair text NOT NULL,
    thumbprint text NOT NULL,
    person_id bigint REFERENCES person,
    code text NOT NULL,
    record_version integer,
    burnt_in xid8 NOT NULL DEFAULT pg_current_xact_id(),
    answered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((code = 'B100') = (record_version IS NOT NULL))
);
CREATE INDEX bridge_answer_of ON bridge_answer (person_id) WHERE person_id IS NOT NULL;

-- `expected` is the version of the person the answer was decided on, 0 where the file had nobody, null where
-- nothing was read.
CREATE TYPE bridge_answer_row AS (
    request_id uuid, case_id uuid, office text, basis text, affair text, thumbprint text, code text,
    resident_code text, expected integer
);

-- What the file says of the persons whose codes are given, one row a code in the order given: the stay that
-- began last and its newest record, and whether that has a number. No number, no name, no address; a few codes at a
-- time, which must be known.
CREATE FUNCTION bridge_find(codes text[])
RETURNS TABLE (
    person_id bigint, version integer, waiting integer, is_open boolean, is_foreign boolean, change text,
    cause text, event_date text, resident_code text, numbered boolean
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF cardinality(codes) > 100 THEN
        RAISE EXCEPTION 'too many codes at once' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN QUERY
        SELECT p.person_id, p.version::integer, p.waiting::integer,
            EXISTS (SELECT FROM unnest(p.stays) AS s WHERE s.is_open),
            h.is_foreign, h.change::text, h.cause::text, h.event_date::text, h.resident_code::text,
            h.individual_number IS NOT NULL
        FROM unnest(codes) WITH ORDINALITY AS wanted (code, place)
        LEFT JOIN person_key AS k ON k.kind = 'code' AND k.value = wanted.code
        LEFT JOIN person AS p ON p.person_id = k.person_id
        LEFT JOIN history AS h
            ON h.person_id = p.person_id AND h.version = (p.stays[cardinality(p.stays)]).version
        ORDER BY wanted.place;
END
$$;

-- Whether the last day that a date can mean is past a day: an unknown day or month may be the last, 冬 may be in
-- December, and a day past the end of its month is its last. The same as domain/overseas.py and domain/dates.py.
CREATE FUNCTION lies_ahead(dated text, today date) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN left(dated, 4)
    || CASE substr(dated, 5, 2)
        WHEN '00' THEN '12' WHEN 'A1' THEN '05' WHEN 'A2' THEN '08' WHEN 'A3' THEN '11' WHEN 'A4' THEN '12'
        ELSE substr(dated, 5, 2)
    END
    || CASE substr(dated, 7)
        WHEN '00' THEN '31' WHEN 'A1' THEN '10' WHEN 'A2' THEN '20' WHEN 'A3' THEN '31' ELSE substr(dated, 7)
    END
    > to_char(today, 'YYYYMM') || CASE extract(day FROM today + 1) WHEN 1 THEN '31' ELSE to_char(today, 'DD') END;

-- 国外転出者 (法17条3号): the version of the record whose number may be given for a code; null where the file does
-- not show the person to be one. left_overseas in domain/overseas.py says why not; a test holds the two together.
CREATE FUNCTION left_overseas(wanted text, today date) RETURNS integer LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT h.version
    FROM person_key AS k
    JOIN person AS p ON p.person_id = k.person_id
    JOIN history AS h
        ON h.person_id = p.person_id AND h.version = (p.stays[cardinality(p.stays)]).version
    WHERE k.kind = 'code' AND k.value = wanted AND p.waiting = 0
        AND NOT EXISTS (SELECT FROM unnest(p.stays) AS s WHERE s.is_open)
        AND NOT h.is_foreign AND h.cause = 'overseas_move_out' AND NOT lies_ahead(h.event_date, today)
        AND h.resident_code = wanted AND h.individual_number IS NOT NULL;
END;

-- Burns requests, each with its evidence, and says in a word a request what became of it: done; burnt (it was
-- answered before); moved (the person moved on since the answer was decided: read and decide again). Raises where an
-- answer would give the number of somebody who is no 国外転出者, or has evidence of something else.
CREATE FUNCTION bridge_burn(answers bridge_answer_row[], leaves ledger_row[]) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    a bridge_answer_row;
    found_id bigint;
    version_now integer;
    given integer;
    i integer;
    results text[] := '{}';
BEGIN
    IF cardinality(answers) > 100 THEN
        RAISE EXCEPTION 'too many answers at once' USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- Held until the commit: whoever comes back now comes after the answer. In the order in which commit_batch
    -- locks persons, all before the first request is burnt, and requests too
    -- in one order.
    PERFORM FROM person WHERE person_id IN (
        SELECT k.person_id FROM person_key AS k JOIN unnest(answers) AS w ON k.value = w.resident_code
        WHERE k.kind = 'code' AND w.expected IS NOT NULL
    ) ORDER BY person_id FOR SHARE;
    FOR i IN SELECT place FROM generate_subscripts(answers, 1) AS place ORDER BY (answers[place]).request_id LOOP
        a := answers[i];
        found_id := NULL;
        given := NULL;
        IF a.expected IS NOT NULL THEN
            SELECT p.person_id, p.version INTO found_id, version_now
            FROM person_key AS k JOIN person AS p ON p.person_id = k.person_id
            WHERE k.kind = 'code' AND k.value = a.resident_code FOR SHARE OF p;
            IF coalesce(version_now, 0) <> a.expected THEN
                results[i] := 'moved';
                CONTINUE;
            END IF;
            given := left_overseas(a.resident_code, (clock_timestamp() AT TIME ZONE 'Asia/Tokyo')::date);
        END IF;
        IF a.code = 'B100' AND given IS NULL THEN
            RAISE EXCEPTION 'the file does not show a person overseas' USING ERRCODE = 'insufficient_privilege';
        END IF;
        IF NOT (leaves[i]).payload::jsonb @> jsonb_build_object('request', a.request_id, 'code', a.code) THEN
            RAISE EXCEPTION 'evidence of another answer' USING ERRCODE = 'insufficient_privilege';
        END IF;
        INSERT INTO bridge_answer (
            request_id, case_id, office, basis, affair, thumbprint, person_id, code, record_version
        )
        VALUES (
            a.request_id, a.case_id, a.office, a.basis, a.affair, a.thumbprint, found_id, a.code,
            CASE a.code WHEN 'B100' THEN given END
        )
        ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            results[i] := 'burnt';
            CONTINUE;
        END IF;
        PERFORM enter_bridge_leaves(ARRAY[leaves[i]]);
        results[i] := 'done';
    END LOOP;
    RETURN results;
END
$$;

-- Gives the sealed numbers of answers, one row a request in the order given, empty where the answer has none. Only
-- for a minute, and only of a request that was burnt in a transaction that is over: whoever has read a number can no
-- longer take back the evidence of it.
CREATE FUNCTION bridge_give(ids uuid[])
RETURNS TABLE (person_id bigint, record_version integer, individual_number bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF cardinality(ids) > 100 THEN
        RAISE EXCEPTION 'too many requests at once' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN QUERY
        SELECT h.person_id, h.version, h.individual_number
        FROM unnest(ids) WITH ORDINALITY AS wanted (request_id, place)
        LEFT JOIN bridge_answer AS a
            ON a.request_id = wanted.request_id
            AND a.burnt_in IS DISTINCT FROM pg_current_xact_id_if_assigned()
            AND clock_timestamp() BETWEEN a.answered_at AND a.answered_at + interval '1 minute'
        LEFT JOIN history AS h ON h.person_id = a.person_id AND h.version = a.record_version
        ORDER BY wanted.place;
END
$$;

-- Evidence of what was refused without a request being burnt.
CREATE FUNCTION bridge_note(leaves ledger_row[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT enter_bridge_leaves(leaves)
$$;
