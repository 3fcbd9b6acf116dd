-- pre: 0.1.0
-- 封をした項目: what of a record is sealed.

CREATE FUNCTION sealed_of(record history_row) RETURNS bytea[] LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY[(record).individual_number, (record).individual_number_index, (record).previous_number]
$$;
