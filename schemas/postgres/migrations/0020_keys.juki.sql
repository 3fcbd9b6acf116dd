-- pre: 0.1.0
-- 鍵の更新: rotation may put a sealed number under another key. It may never blank one, or put one where none was;
-- that the role may change no other column stands in roles.sql.

CREATE FUNCTION only_resealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rotation neither blanks nor enters a sealed value' USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER only_resealed BEFORE UPDATE OF individual_number, individual_number_index, previous_number ON history
FOR EACH ROW WHEN (
    (old.individual_number IS NULL) <> (new.individual_number IS NULL)
    OR (old.previous_number IS NULL) <> (new.previous_number IS NULL)
)
EXECUTE FUNCTION only_resealed();
