-- pre: 0.1.0
-- 照会: what the notices door reads. Its process has the key of the fingerprints: whoever read one there could try out
-- 個人番号 against it, wherever the other items of a person are known. So fingerprints are compared here, and read by
-- nobody; and codes and record keys find persons, and are not listed.

-- Lets guesses take their time: whoever asks about what a municipality sent waits for whoever asked about what the same
-- one sent, then a millisecond a guess, before anything is compared. It takes years to try out the numbers of one person.
-- What others sent does not wait: a turn of all would let one CS hold up everybody's repeats.
CREATE FUNCTION guess_slowly(senders text[], guesses bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    turn integer;
BEGIN
    -- In one order: elsewise two who ask about the same ones would wait for one another.
    FOR turn IN SELECT DISTINCT hashtext('jukinet guesses ' || sender) FROM unnest(senders) AS sender ORDER BY 1 LOOP
        PERFORM pg_advisory_xact_lock(turn);
    END LOOP;
    PERFORM pg_sleep(guesses * 0.001);
END
$$;

-- Which of these notices say what the first one of their id said. To be asked where an id was seen before only:
-- several under one id are several guesses.
CREATE FUNCTION same_notices(ids uuid[], fingerprints bytea[]) RETURNS TABLE (notice_id uuid, fingerprint bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF cardinality(ids) > 1000 THEN
        RAISE EXCEPTION 'too many notices at once' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM guess_slowly(
        ARRAY(SELECT DISTINCT i.sender FROM inbox AS i WHERE i.notice_id = ANY (ids)),
        (SELECT max(many) FROM (SELECT count(*) AS many FROM unnest(ids) AS id GROUP BY id) AS of_one)
    );
    RETURN QUERY
        SELECT i.notice_id, i.fingerprint
        FROM unnest(ids, fingerprints) AS asked (id, content)
        JOIN inbox AS i ON i.notice_id = asked.id AND i.fingerprint = asked.content;
END
$$;

-- Every parcel that came under a number, the first one first, and whether it says what that one says: null where one
-- of the two has no summary. One snapshot, so that what is compared is what was counted.
CREATE FUNCTION parcels_of_number(whose text, wanted bigint) RETURNS TABLE (digest text, same boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM guess_slowly(
        ARRAY[whose], (SELECT count(*) FROM parcel AS p WHERE p.sender = whose AND p.number = wanted)
    );
    RETURN QUERY
        SELECT p.digest, p.fingerprint = first_value(p.fingerprint) OVER (ORDER BY p.received_at, p.parcel_id)
        FROM parcel AS p WHERE p.sender = whose AND p.number = wanted
        ORDER BY p.received_at, p.parcel_id;
END
$$;

-- The persons that keys name, with the state a decision is made on.
CREATE FUNCTION people_of(kinds text[], keys text[])
RETURNS TABLE (
    kind key_kind, value exact_text, person_id bigint, version version_number, current version_number, stays stay[],
    waiting waiting_count, coded boolean
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT k.kind, k.value, p.person_id, p.version, p.current, p.stays, p.waiting, p.coded
        FROM unnest(kinds, keys) AS wanted (kind, value)
        JOIN person_key AS k ON k.kind = wanted.kind AND k.value = wanted.value
        JOIN person AS p ON p.person_id = k.person_id;
END
$$;
