-- pre: 0.1.0
-- 送り済み: a record that a receipt closed never waits again. Whoever could reopen it could read it once more.

CREATE FUNCTION closed_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'outbox % is closed', old.outbox_id USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER closed_for_good BEFORE UPDATE ON outbox
FOR EACH ROW WHEN (old.receipt_id IS NOT NULL) EXECUTE FUNCTION closed_for_good();
