-- pre: 0.1.0
-- 個人番号の重なり: residents whose records that hold good show one number. A number is one person's (番号法2条5項, 7条),
-- but only among these: a 消除 and what is past keep theirs (docs/adr/0009).
-- Between `use` and the end of `reseal` of a rotation one number has two indexes, and such a pair is not seen.

-- 現に効力のある番号: of each resident, by its blind index.
CREATE VIEW number_in_force AS
SELECT p.person_id, h.area, h.notice_id, h.individual_number_index
FROM person AS p
JOIN history AS h ON h.person_id = p.person_id AND h.version = p.current
WHERE h.individual_number_index IS NOT NULL AND EXISTS (SELECT FROM unnest(p.stays) AS stay WHERE stay.is_open);

CREATE VIEW shared_number AS
SELECT array_agg(person_id ORDER BY person_id) AS people
FROM number_in_force
GROUP BY individual_number_index
HAVING count(*) > 1;

-- The newest look at all residents: when it was, and whom it found.
CREATE TABLE shared_number_look (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    looked_at timestamptz NOT NULL
);
INSERT INTO shared_number_look (looked_at) VALUES (clock_timestamp() - interval '6 hours');
CREATE TABLE shared_number_found (person_id bigint PRIMARY KEY);

-- Looks at all residents, unless that was done in the last six hours or another process is at it (null); gives how many
-- numbers are shared. Of the first hundred, eight residents each are kept. Whoever may call it can name no number: there
-- is nothing to guess against (docs/adr/0006). A clock that was set back puts the next look off no longer.
CREATE FUNCTION look_for_shared_numbers() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    shared bigint;
BEGIN
    PERFORM FROM shared_number_look
    WHERE looked_at NOT BETWEEN clock_timestamp() - interval '6 hours' AND clock_timestamp()
    FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    DELETE FROM shared_number_found;
    WITH found AS MATERIALIZED (SELECT people[1:8] AS people FROM shared_number),
    kept AS (
        INSERT INTO shared_number_found
        SELECT unnest(people) FROM (SELECT people FROM found ORDER BY people LIMIT 100) AS first
    )
    SELECT count(*) INTO shared FROM found;
    UPDATE shared_number_look SET looked_at = clock_timestamp();
    RETURN shared;
END
$$;

-- Of those who were found, who shares a number still: the notices by which their records stand, and their areas.
CREATE FUNCTION shared_numbers() RETURNS TABLE (notice_ids uuid[], areas text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT array_agg(notice_id ORDER BY person_id), array_agg(area ORDER BY person_id)
    FROM number_in_force WHERE person_id IN (SELECT person_id FROM shared_number_found)
    GROUP BY individual_number_index HAVING count(*) > 1 ORDER BY min(person_id)
$$;
