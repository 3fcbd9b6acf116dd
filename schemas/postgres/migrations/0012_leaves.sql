-- pre: 0.1.0
-- 葉を書く者: whoever adds to the ledger adds leaves of its own events and of no others, so that one process in other
-- hands cannot tell of what another did. The policies of the roles stand in roles.sql.

ALTER TABLE ledger ENABLE ROW LEVEL SECURITY;
CREATE POLICY who_may_read ON ledger FOR SELECT USING (true);

-- The same for the bridge, whose functions run with the owner's rights and so past the policies.
CREATE FUNCTION enter_bridge_leaves(leaves ledger_row[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM unnest(leaves) AS l WHERE (l.payload::jsonb ->> 'event' ^@ 'bridge_') IS NOT TRUE) THEN
        RAISE EXCEPTION 'evidence of another door' USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO ledger (hash, salt, payload) SELECT (l).* FROM unnest(leaves) AS l;
END
$$;
