-- pre: 0.1.0
-- 封をした項目: nothing of a record of this register is sealed.

CREATE FUNCTION sealed_of(_record history_row) RETURNS bytea[] LANGUAGE sql IMMUTABLE AS $$
    SELECT '{}'::bytea[]
$$;
