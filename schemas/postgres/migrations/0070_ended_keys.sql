-- pre: 0.1.0
-- 鍵の廃棄: the key versions that nothing may be sealed under any more. A process that stood still since before a
-- key was destroyed would seal under it and go on; what it sealed could never be opened.

CREATE TABLE ended_key (
    version integer PRIMARY KEY CHECK (version BETWEEN 1 AND 65535),
    ended_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Whether any of these values, two bytes of key version in front of each, stands under a version that has ended.
CREATE FUNCTION under_ended_key(sealed bytea[]) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM ended_key AS e JOIN unnest(sealed) AS s (value)
            ON substring(s.value FROM 1 FOR 2) = decode(lpad(to_hex(e.version), 4, '0'), 'hex')
    )
$$;

-- Keeps every key version from being ended until the session lets go of all its locks: for whoever commits many times
-- meanwhile. The owner alone may take keys that others wait for (packaging/database.sql).
CREATE FUNCTION hold_sealing() RETURNS void LANGUAGE sql SECURITY DEFINER
RETURN pg_advisory_lock_shared(hashtext('jukinet sealing'));

-- Keeps every key version from being ended until the transaction is over; raises where one of these values
-- stands under one that has ended. To be called before any row is locked, and outside of any other statement's
-- snapshot: only what is looked at after the lock was given counts.
CREATE FUNCTION hold_keys(sealed bytea[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('jukinet sealing'));
    IF under_ended_key(sealed) THEN
        RAISE EXCEPTION 'a key version has ended' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END
$$;

-- Ends a version for good. Waits for whatever is being committed, so that afterwards nothing comes any more; not
-- for long, since everything else waits meanwhile.
CREATE FUNCTION end_key(ended integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '5s' AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('jukinet sealing'));
    INSERT INTO ended_key (version) VALUES (ended) ON CONFLICT DO NOTHING;
END
$$;
