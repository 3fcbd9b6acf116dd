-- pre: 0.1.0
-- 事案の終わり: a case that ended has an error code of its own (P0002), so that who asked is told it is over, and not
-- that the database failed.

CREATE OR REPLACE FUNCTION hold_case(wanted uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM bridge_case AS c WHERE c.case_id = wanted AND case_is_open(c) FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the case is over' USING ERRCODE = 'no_data_found';
    END IF;
END
$$;
