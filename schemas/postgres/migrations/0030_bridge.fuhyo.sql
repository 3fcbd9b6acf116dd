-- pre: 0.1.0
-- 橋 (法30条の44の6第3項): the 附票 server's side. The bridge's role has no right on any table; it may call the
-- functions below and nothing else.

-- 事案: one matter of one office. `run` is the process that opened it: what another one left is erased.
CREATE TABLE bridge_case (
    case_id uuid PRIMARY KEY,
    office text NOT NULL,
    basis text NOT NULL,
    affair text NOT NULL,
    requested_by text NOT NULL,
    approved_by text NOT NULL,
    code text,
    run uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'refused', 'taken', 'erased')),
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    CHECK ((state = 'open') = (ended_at IS NULL)),
    CHECK ((state = 'refused') = (code IS NOT NULL))
);
CREATE INDEX bridge_case_by_time ON bridge_case (opened_at);
CREATE INDEX bridge_case_unerased ON bridge_case (state) WHERE state IN ('open', 'taken');

-- 求め: one question about one person. `place` is the line of the office's list; `addressee` who is asked: the
-- 都道府県 server, then 全国サーバ where the last address was elsewhere. `code` is null until it is settled.
CREATE TABLE bridge_request (
    request_id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES bridge_case,
    place integer NOT NULL CHECK (place > 0),
    addressee text NOT NULL CHECK (addressee IN ('juki', 'national')),
    person_id bigint REFERENCES person,
    key_digest bytea,
    code text,
    confirmed boolean NOT NULL DEFAULT false,
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    settled_at timestamptz,
    UNIQUE (case_id, place, addressee)
);
CREATE INDEX bridge_request_of ON bridge_request (person_id) WHERE person_id IS NOT NULL;

-- 一時保管: the numbers on their way to an office, sealed by the vault. Unlogged: they reach no write-ahead log,
-- no standby and no backup, and PostgreSQL itself empties the table after a crash.
CREATE UNLOGGED TABLE bridge_held (
    case_id uuid NOT NULL,
    place integer NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (case_id, place)
);

CREATE TYPE bridge_case_row AS (
    case_id uuid, office text, basis text, affair text, requested_by text, approved_by text, code text, run uuid
);
CREATE TYPE bridge_request_row AS (
    request_id uuid, case_id uuid, place integer, addressee text, person_id bigint, key_digest bytea, code text
);
CREATE TYPE bridge_settled_row AS (request_id uuid, code text, sealed bytea);

-- What the file says of the persons that keys name, one row a key in the order given; with the area of the last address
-- that was shown.
CREATE FUNCTION bridge_find(kinds text[], keys text[])
RETURNS TABLE (
    person_id bigint, version integer, waiting integer, is_open boolean, overseas boolean, resident_code text,
    left_from text
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF cardinality(keys) > 100 THEN
        RAISE EXCEPTION 'too many keys at once' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN QUERY
        SELECT p.person_id, p.version::integer, p.waiting::integer,
            EXISTS (SELECT FROM unnest(p.stays) AS s WHERE s.is_open), h.overseas, h.resident_code::text, (
                SELECT b.address_area::text FROM history AS b
                WHERE b.person_id = p.person_id AND NOT b.overseas ORDER BY b.version DESC LIMIT 1
            )
        FROM unnest(kinds, keys) WITH ORDINALITY AS wanted (kind, value, place)
        LEFT JOIN person_key AS k ON k.kind = wanted.kind AND k.value = wanted.value
        LEFT JOIN person AS p ON p.person_id = k.person_id
        LEFT JOIN history AS h ON h.person_id = p.person_id AND h.version = p.current
        ORDER BY wanted.place;
END
$$;

-- Opens a case, or records that it was refused, for so many seconds by the database's clock.
CREATE FUNCTION bridge_open_case(opened bridge_case_row, seconds integer, leaf ledger_row)
RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
BEGIN
    INSERT INTO bridge_case (
        case_id, office, basis, affair, requested_by, approved_by, code, run, state, opened_at, expires_at, ended_at
    )
    SELECT (opened).*, CASE WHEN (opened).code IS NULL THEN 'open' ELSE 'refused' END, moment,
        moment + seconds * interval '1 second', CASE WHEN (opened).code IS NOT NULL THEN moment END;
    PERFORM enter_bridge_leaves(ARRAY[leaf]);
    RETURN moment + seconds * interval '1 second';
END
$$;

-- Whether a case is open, its time not run out, and the clock not set back behind its beginning.
CREATE FUNCTION case_is_open(c bridge_case) RETURNS boolean LANGUAGE sql AS $$
    SELECT c.state = 'open' AND clock_timestamp() BETWEEN c.opened_at AND c.expires_at
$$;

-- Locks a case against its erasure. One that is over has an error code of its own (P0002), so that who asked is told
-- so, and not that the database failed.
CREATE FUNCTION hold_case(wanted uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM bridge_case AS c WHERE c.case_id = wanted AND case_is_open(c) FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the case is over' USING ERRCODE = 'no_data_found';
    END IF;
END
$$;

-- Opens requests of one case, with those that were refused at once, each with its evidence.
CREATE FUNCTION bridge_open(wanted uuid, requests bridge_request_row[], leaves ledger_row[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM hold_case(wanted);
    INSERT INTO bridge_request (request_id, case_id, place, addressee, person_id, key_digest, code, settled_at)
    SELECT (r).*, CASE WHEN (r).code IS NOT NULL THEN clock_timestamp() END FROM unnest(requests) AS r;
    PERFORM enter_bridge_leaves(leaves);
END
$$;

-- What was asked and stands open, with what the file says of the person now; one row an id in the order given.
CREATE FUNCTION bridge_asked(ids uuid[])
RETURNS TABLE (
    case_id uuid, office text, basis text, affair text, requested_by text, approved_by text,
    expires_at timestamptz, key_digest bytea, asked boolean, person_id bigint, waiting integer, is_open boolean,
    overseas boolean, resident_code text
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF cardinality(ids) > 100 THEN
        RAISE EXCEPTION 'too many requests at once' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN QUERY
        SELECT c.case_id, c.office, c.basis, c.affair, c.requested_by, c.approved_by, c.expires_at, r.key_digest,
            case_is_open(c) AND r.code IS NULL AND NOT r.confirmed AND r.addressee = 'juki',
            p.person_id, p.waiting::integer, EXISTS (SELECT FROM unnest(p.stays) AS s WHERE s.is_open), h.overseas,
            h.resident_code::text
        FROM unnest(ids) WITH ORDINALITY AS wanted (request_id, place)
        LEFT JOIN bridge_request AS r ON r.request_id = wanted.request_id
        LEFT JOIN bridge_case AS c ON c.case_id = r.case_id
        LEFT JOIN person AS p ON p.person_id = r.person_id
        LEFT JOIN history AS h ON h.person_id = p.person_id AND h.version = p.current
        ORDER BY wanted.place;
END
$$;

-- Confirms requests, once each, and writes the evidence of these and of those that were not confirmed. False, and
-- nothing is done, where one was confirmed or settled, or its case ended, since it was looked at.
CREATE FUNCTION bridge_confirm(ids uuid[], leaves ledger_row[]) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- The cases are held against their end until the commit, then the requests against one another's confirmation.
    PERFORM FROM bridge_case AS c WHERE c.case_id IN (
        SELECT r.case_id FROM bridge_request AS r WHERE r.request_id = ANY (ids)
    ) ORDER BY c.case_id FOR SHARE;
    PERFORM FROM bridge_request AS r WHERE r.request_id = ANY (ids) ORDER BY r.request_id FOR UPDATE;
    IF (
        SELECT count(*) FROM bridge_request AS r JOIN bridge_case AS c ON c.case_id = r.case_id
        WHERE r.request_id = ANY (ids) AND NOT r.confirmed AND r.code IS NULL AND case_is_open(c)
    ) < cardinality(ids) THEN
        RETURN false;
    END IF;
    UPDATE bridge_request SET confirmed = true WHERE request_id = ANY (ids);
    PERFORM enter_bridge_leaves(leaves);
    RETURN true;
END
$$;

-- Settles requests of one case, each with its evidence, and holds the numbers that came.
CREATE FUNCTION bridge_settle(wanted uuid, settled bridge_settled_row[], leaves ledger_row[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM hold_keys(ARRAY(SELECT s.sealed FROM unnest(settled) AS s));
    PERFORM hold_case(wanted);
    UPDATE bridge_request AS r SET code = s.code, settled_at = clock_timestamp()
    FROM unnest(settled) AS s WHERE r.request_id = s.request_id AND r.case_id = wanted AND r.code IS NULL;
    INSERT INTO bridge_held (case_id, place, sealed)
    SELECT r.case_id, r.place, s.sealed
    FROM unnest(settled) AS s JOIN bridge_request AS r ON r.request_id = s.request_id
    WHERE s.sealed IS NOT NULL AND r.case_id = wanted;
    PERFORM enter_bridge_leaves(leaves);
END
$$;

-- Takes the one delivery of a case; false where it was taken before or the case is over.
CREATE FUNCTION bridge_deliver(wanted uuid, leaf ledger_row) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE bridge_case AS c SET state = 'taken', ended_at = clock_timestamp()
    WHERE c.case_id = wanted AND case_is_open(c);
    IF FOUND THEN
        PERFORM enter_bridge_leaves(ARRAY[leaf]);
    END IF;
    RETURN FOUND;
END
$$;

-- The lines of a case after a place, in order: the last answer to each, and the number that is held. The lock
-- comes before the look: whoever began to look before another case was erased would find the table empty.
CREATE FUNCTION bridge_lines(wanted uuid, after integer, most integer)
RETURNS TABLE (place integer, code text, sealed bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    LOCK TABLE bridge_held IN ACCESS SHARE MODE;
    RETURN QUERY
        SELECT r.place, r.code, h.sealed
        FROM (
            SELECT DISTINCT ON (b.place) b.place, b.code FROM bridge_request AS b
            WHERE b.case_id = wanted AND b.place > after
            -- 'national' after 'juki': who was asked last answered last.
            ORDER BY b.place, b.addressee DESC
            LIMIT least(most, 1000)
        ) AS r
        LEFT JOIN bridge_held AS h ON h.case_id = wanted AND h.place = r.place
        ORDER BY r.place;
END
$$;

-- The cases whose numbers must not be held any longer: over their time, of another run of the server, or begun
-- after a clock that was set back.
CREATE FUNCTION bridge_due(current_run uuid) RETURNS TABLE (case_id uuid, state text, why text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT c.case_id, c.state, CASE WHEN c.run <> current_run THEN 'restarted'
        WHEN clock_timestamp() < c.opened_at THEN 'clock_set_back' ELSE 'expired' END
    FROM bridge_case AS c
    WHERE c.state IN ('open', 'taken')
        AND (c.run <> current_run OR clock_timestamp() NOT BETWEEN c.opened_at AND c.expires_at)
$$;

-- Erases what is held of a case, with the evidence of it, and gives how many numbers that were. The table is
-- written anew without them: neither DELETE nor VACUUM wipes the bytes of a row from its page.
CREATE FUNCTION bridge_erase(wanted uuid, leaf ledger_row) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    others bridge_held[];
    erased integer;
BEGIN
    UPDATE bridge_case SET state = 'erased', ended_at = coalesce(ended_at, clock_timestamp())
    WHERE case_id = wanted AND state IN ('open', 'taken');
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    LOCK TABLE bridge_held IN ACCESS EXCLUSIVE MODE;
    erased := (SELECT count(*) FROM bridge_held WHERE case_id = wanted);
    others := ARRAY (SELECT h FROM bridge_held AS h WHERE case_id <> wanted);
    TRUNCATE bridge_held;
    INSERT INTO bridge_held SELECT (o).* FROM unnest(others) AS o;
    PERFORM enter_bridge_leaves(ARRAY[leaf]);
    RETURN erased;
END
$$;

-- Evidence of what was refused outside a case.
CREATE FUNCTION bridge_note(leaves ledger_row[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT enter_bridge_leaves(leaves)
$$;

-- The newest cases, or one, and how many lines came to which outcome; no person is named.
CREATE FUNCTION bridge_cases(wanted uuid, most integer)
RETURNS TABLE (
    case_id uuid, office text, basis text, affair text, requested_by text, approved_by text, code text, state text,
    opened_at timestamptz, expires_at timestamptz, ended_at timestamptz, codes text[], counts bigint[]
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT c.case_id, c.office, c.basis, c.affair, c.requested_by, c.approved_by, c.code, c.state, c.opened_at,
        c.expires_at, c.ended_at, t.codes, t.counts
    FROM bridge_case AS c, LATERAL (
        SELECT array_agg(s.code ORDER BY s.code) AS codes, array_agg(s.many ORDER BY s.code) AS counts
        FROM (
            SELECT coalesce(l.code, '-') AS code, count(*) AS many
            FROM (
                SELECT DISTINCT ON (r.place) r.code FROM bridge_request AS r
                WHERE r.case_id = c.case_id ORDER BY r.place, r.addressee DESC
            ) AS l
            GROUP BY 1
        ) AS s
    ) AS t
    WHERE wanted IS NULL OR c.case_id = wanted
    ORDER BY c.opened_at DESC
    LIMIT least(most, 1000)
$$;
