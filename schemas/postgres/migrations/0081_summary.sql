-- pre: 0.1.0
-- 摘要: what the watch reads of a parcel, beside the sealed whole: a keyed fingerprint of what was signed, and the
-- ids and kinds of its notices. Empty in parcels that an older program took: `jukinetctl summarise` fills it in.

ALTER TABLE parcel ADD COLUMN fingerprint bytea, ADD COLUMN notice_ids uuid[], ADD COLUMN kinds text[];
CREATE INDEX parcel_without_summary ON parcel (sender, received_at) WHERE kinds IS NULL;

-- A summary is entered once, by whoever can open the parcel, and stays.
CREATE FUNCTION summary_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'parcel % has its summary', old.parcel_id USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER summary_stays BEFORE UPDATE OF fingerprint, notice_ids, kinds ON parcel
FOR EACH ROW WHEN (old.kinds IS NOT NULL) EXECUTE FUNCTION summary_stays();

CREATE TYPE summarised_parcel AS (
    parcel_id bigint, sender text, number bigint, digest text, thumbprint text, sealed bytea,
    received_at timestamptz, fingerprint bytea, notice_ids uuid[], kinds text[]
);

-- As commit_batch, for parcels with their summary, under the same lock: nothing is kept where a value stands
-- under a key that has ended. An older program goes on calling commit_batch itself.
CREATE PROCEDURE commit_parcels(
    parcels summarised_parcel[], decisions decision[], repeats uuid[], INOUT results text[]
)
LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(parcels) > 0 THEN
        PERFORM pg_advisory_unlock_all(), hold_sealing();
        IF EXISTS (SELECT FROM ended_key) AND under_ended_key(ARRAY(
            SELECT sent.sealed FROM unnest(parcels) AS sent
            UNION ALL SELECT (made.held).sealed FROM unnest(decisions) AS made
            UNION ALL SELECT value FROM unnest(decisions) AS made, unnest(sealed_of(made.history)) AS value
        )) THEN
            RAISE EXCEPTION 'a key version has ended' USING ERRCODE = 'object_not_in_prerequisite_state';
        END IF;
        SET LOCAL synchronous_commit = off;
        INSERT INTO parcel SELECT (sent).* FROM unnest(parcels) AS sent ON CONFLICT DO NOTHING;
        COMMIT;
    END IF;
    CALL commit_batch('{}', decisions, repeats, results);
END
$$;
