-- One role a door. Run after the migrations, as often as you like. A login user of a unit is granted one of
-- these; what a role is not granted here it cannot do. History, ledger and parcels are append-only: nobody
-- but the owner may change or remove a row; key rotation puts their sealed columns under another key.

DO $$
DECLARE
    door text;
BEGIN
    -- Roles belong to the whole cluster: an administrator or another register, even now, may have made them.
    FOREACH door IN ARRAY ARRAY['jukinet_notices', 'jukinet_relay', 'jukinet_status',
        'jukinet_control', 'jukinet_history', 'jukinet_watch', 'jukinet_bridge',
        'jukinet_keys', 'jukinet_seal', 'jukinet_audit'] LOOP
        CONTINUE WHEN to_regrole(door) IS NOT NULL;
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', door);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END LOOP;
END
$$;

-- Rights are set anew, so that none outlives the line that gave it.
DO $$
DECLARE
    door text;
BEGIN
    FOR door IN SELECT rolname FROM pg_roles WHERE rolname LIKE 'jukinet\_%' AND NOT rolcanlogin LOOP
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA public FROM %I', door);
        EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM %I', door);
        EXECUTE format('REVOKE ALL ON ALL ROUTINES IN SCHEMA public FROM %I', door);
    END LOOP;
END
$$;

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA public FROM PUBLIC;
GRANT SELECT ON schema_migration
TO jukinet_notices, jukinet_relay, jukinet_status, jukinet_control, jukinet_history, jukinet_watch,
    jukinet_bridge, jukinet_keys, jukinet_seal, jukinet_audit;

-- Which leaves a role may add, made once: a policy is changed under a lock of the whole table. The door's own is tried
-- on every record: the form that nearly all have comes first, and nothing is parsed.
DO $$
DECLARE
    door text;
    events text[];
BEGIN
    IF EXISTS (SELECT FROM pg_policy WHERE polrelid = 'ledger'::regclass AND polname = 'leaves_of_jukinet_notices') THEN
        RETURN;
    END IF;
    CREATE POLICY leaves_of_jukinet_notices ON ledger FOR INSERT TO jukinet_notices WITH CHECK (
        payload LIKE '{"code":"____","event":"notice",%'
        OR payload::jsonb ->> 'event' = ANY ('{notice, parcel_refused}')
    );
    FOR door, events IN VALUES
        ('jukinet_relay', '{relay_sent, relay_receipted, days_compared}'::text[]),
        ('jukinet_watch', '{number_reused, days_compared, checkpoint_conflict}'),
        ('jukinet_control', '{held_shown, held_released, held_decided_again, held_rejected, maintenance_on,
            maintenance_off, numbers_settled, log_begun}'),
        ('jukinet_keys', '{keys, parcels_summarised}')
    LOOP
        EXECUTE format(
            'CREATE POLICY %I ON ledger FOR INSERT TO %I WITH CHECK (payload::jsonb ->> ''event'' = ANY (%L::text[]))',
            'leaves_of_' || door, door, events
        );
    END LOOP;
END
$$;
GRANT INSERT ON ledger, outbox TO jukinet_notices;
-- Whoever is not in a hurry enters what is new as new: the right to single columns costs a look for each of them.
GRANT INSERT (hash, salt, payload) ON ledger TO jukinet_relay, jukinet_control, jukinet_watch, jukinet_keys;
GRANT INSERT (notice_id, person_id, version) ON outbox TO jukinet_control;
GRANT INSERT (notice_id, person_id, others, code, sender, tied, sealed, notified_on) ON held TO jukinet_notices;

-- The notices door: takes notices in.
GRANT INSERT ON parcel, inbox, person, person_key, departure, history TO jukinet_notices;
GRANT SELECT (notice_id, sender, answer, redelivered) ON inbox TO jukinet_notices;
GRANT SELECT (person_id, version) ON person TO jukinet_notices;
GRANT SELECT ON closing TO jukinet_notices;
GRANT UPDATE (version, current, stays, waiting, coded) ON person TO jukinet_notices;
GRANT UPDATE (redelivered) ON inbox TO jukinet_notices;
GRANT UPDATE (batches) ON closing TO jukinet_notices;
GRANT USAGE ON SEQUENCE parcel_number, person_number TO jukinet_notices;
GRANT EXECUTE ON PROCEDURE commit_batch, commit_parcels TO jukinet_notices;
GRANT SELECT ON ended_key TO jukinet_notices;
GRANT EXECUTE ON FUNCTION claim_keys, move_person, move_people, sealed_of, under_ended_key, hold_sealing TO jukinet_notices;
GRANT EXECUTE ON FUNCTION people_of, same_notices TO jukinet_notices;

-- The relay: reads what waits and nothing that was sent before, stores receipts.
GRANT SELECT ON outgoing, outgoing_origin TO jukinet_relay;
GRANT SELECT (outbox_id, receipt_id), UPDATE (receipt_id, refused, received_on) ON outbox TO jukinet_relay;
GRANT SELECT ON relayed_of_day TO jukinet_relay;
GRANT INSERT, SELECT (comparison_id, peer, day, differing, compared_at) ON comparison TO jukinet_relay;
GRANT INSERT, SELECT (receipt_id) ON receipt TO jukinet_relay;
GRANT USAGE ON SEQUENCE relay_number TO jukinet_relay;
GRANT EXECUTE ON FUNCTION lock_relay TO jukinet_relay;

-- Operators: look at held notices and settle them.
GRANT SELECT, DELETE ON held TO jukinet_control;
GRANT UPDATE (code) ON held TO jukinet_control;
GRANT SELECT, INSERT ON settlement TO jukinet_control;
GRANT SELECT, INSERT ON person TO jukinet_control;
GRANT SELECT, INSERT, DELETE ON person_key TO jukinet_control;
GRANT SELECT (person_id, resident_code, previous_code, area, record_key) ON history TO jukinet_control;
GRANT USAGE ON SEQUENCE person_number TO jukinet_control;
GRANT UPDATE (version, current, stays, waiting, coded) ON person TO jukinet_control;
GRANT SELECT (notice_id, sender, parcel_id, outcome, code, answer, redelivered) ON inbox TO jukinet_control;
GRANT INSERT ON history, departure TO jukinet_control;
GRANT SELECT (parcel_id, sender, number, digest, thumbprint, received_at, kinds) ON parcel TO jukinet_control;
GRANT SELECT (notice_id, outbox_id, entered_at, receipt_id, refused) ON outbox TO jukinet_control;
GRANT SELECT (receipt_id, parcel_digest, received_at) ON receipt TO jukinet_control;
GRANT EXECUTE ON FUNCTION settle_held, claim_keys, move_person, move_people TO jukinet_control;
GRANT EXECUTE ON FUNCTION hold_keys, sealed_of, people_of TO jukinet_control;

-- Health: counts and times, no records.
GRANT SELECT (outbox_id, entered_at, receipt_id, refused) ON outbox TO jukinet_status;
GRANT SELECT (notice_id, outcome, code) ON inbox TO jukinet_status;
GRANT SELECT (sender, number, received_at, kinds) ON parcel TO jukinet_status;
GRANT SELECT (notice_id, held_at) ON held TO jukinet_status;
-- By columns, here and below: who may write a whole table may lock it, and each process has this role.
GRANT SELECT, INSERT (name, host, report, metrics), UPDATE (told_at, report, metrics) ON process TO jukinet_status;
GRANT EXECUTE ON FUNCTION speaks_for, forget_process TO jukinet_status;
GRANT SELECT ON maintenance TO jukinet_status;
-- Every process remembers the newest CRLs that it has taken up.
GRANT SELECT, INSERT (authority, number, issued_at, list), UPDATE (number, issued_at, list, taken_at) ON kept_crl
TO jukinet_status;

GRANT SELECT ON numbering, number_gap, number_reuse, comparison TO jukinet_status;

-- The watch beside the notices door: numbers that never came or came twice, daily comparisons. Of a parcel it sees
-- the summary and never what is sealed.
GRANT SELECT (parcel_id, sender, number, digest, received_at, notice_ids, kinds) ON parcel TO jukinet_watch;
GRANT EXECUTE ON FUNCTION parcels_of_number, lock_numbers TO jukinet_watch;
GRANT SELECT (notice_id, sender, parcel_id, outcome) ON inbox TO jukinet_watch;
GRANT SELECT, INSERT ON numbering, number_reuse, comparison TO jukinet_watch;
GRANT SELECT, INSERT, DELETE ON number_gap TO jukinet_watch;
GRANT UPDATE (highest) ON numbering TO jukinet_watch;

-- 個人番号 that residents share, in the register that keeps it: the watch has the database look, health tells of it.
DO $$
BEGIN
    IF to_regclass('shared_number_look') IS NOT NULL THEN
        GRANT EXECUTE ON FUNCTION look_for_shared_numbers, shared_numbers TO jukinet_watch;
        GRANT SELECT ON shared_number_look TO jukinet_status;
        GRANT EXECUTE ON FUNCTION shared_numbers TO jukinet_status;
    END IF;
END
$$;

-- Operators refuse new work for a while.
GRANT SELECT, INSERT, UPDATE, DELETE ON maintenance TO jukinet_control;

-- Operators stop waiting for numbers that will not come, and close numbers used again.
GRANT SELECT, INSERT ON numbering TO jukinet_control;
GRANT UPDATE (highest) ON numbering TO jukinet_control;
GRANT SELECT, INSERT, DELETE ON number_gap TO jukinet_control;
GRANT EXECUTE ON FUNCTION lock_numbers TO jukinet_control;
GRANT SELECT ON number_reuse TO jukinet_control;
GRANT UPDATE (settled_at) ON number_reuse TO jukinet_control;


-- Questions about the past: all records of the person that a key names.
GRANT SELECT ON person_key, history TO jukinet_history;

-- How far the ledger is sealed and witnessed.
GRANT SELECT ON ledger_log, ledger_conflict TO jukinet_status;
GRANT SELECT (log_id, size, seen, sealed_at) ON ledger_checkpoint TO jukinet_status;
GRANT SELECT (log_id, size) ON ledger_witness TO jukinet_status;
GRANT SELECT (entry_id, recorded_at) ON ledger TO jukinet_status;

-- Operators begin a new log where the old one was cut back.
GRANT SELECT, INSERT ON ledger_log TO jukinet_control;
GRANT SELECT ON ledger_checkpoint, ledger_conflict TO jukinet_control;

-- The witnesses, beside the notices door: what is handed to them, what they return.
GRANT SELECT ON ledger_log, ledger_checkpoint, ledger_run, ledger_node, ledger_conflict TO jukinet_watch;
GRANT SELECT (entry_id, hash) ON ledger TO jukinet_watch;
GRANT SELECT, INSERT ON ledger_witness TO jukinet_watch;
GRANT UPDATE (log_id, size, note, parcel_digest, witnessed_at) ON ledger_witness TO jukinet_watch;
GRANT INSERT ON ledger_conflict TO jukinet_watch;

-- The sealer: hashes and no payload; it adds to the tree and can change nothing of it.
GRANT SELECT (entry_id, hash) ON ledger TO jukinet_seal;
GRANT SELECT, INSERT ON ledger_log, ledger_checkpoint TO jukinet_seal;
GRANT INSERT ON ledger_run, ledger_node TO jukinet_seal;
GRANT EXECUTE ON FUNCTION lock_seal TO jukinet_seal;
GRANT SELECT, INSERT, DELETE ON ledger_gap TO jukinet_seal;
GRANT SELECT ON ledger_conflict TO jukinet_seal;

-- Whoever checks the ledger: reads all of it.
GRANT SELECT ON ledger, ledger_log, ledger_checkpoint, ledger_run, ledger_gap, ledger_node, ledger_witness,
    ledger_conflict TO jukinet_audit;
GRANT SELECT (notice_id, parcel_id, answer) ON inbox TO jukinet_audit;
GRANT SELECT (parcel_id, received_at) ON parcel TO jukinet_audit;

-- Key rotation: what is sealed, and only that, may be put under another key. Who can open a parcel may give it the
-- summary that it lacks.
GRANT SELECT (kinds), UPDATE (fingerprint, notice_ids, kinds) ON parcel TO jukinet_keys;
GRANT SELECT (notice_id, sealed), UPDATE (sealed) ON held TO jukinet_keys;
GRANT SELECT (parcel_id, sealed), UPDATE (sealed) ON parcel TO jukinet_keys;
GRANT SELECT (name, host, told_at, report) ON process TO jukinet_keys;
GRANT EXECUTE ON FUNCTION end_key, lock_keys TO jukinet_keys;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'history'::regclass AND attname = 'individual_number') THEN
        GRANT SELECT (person_id, version, individual_number, individual_number_index, previous_number),
        UPDATE (individual_number, individual_number_index, previous_number) ON history TO jukinet_keys;
    END IF;
    IF to_regclass('bridge_held') IS NOT NULL THEN
        GRANT SELECT (case_id, place, sealed), UPDATE (sealed) ON bridge_held TO jukinet_keys;
    END IF;
END
$$;

-- The bridge: no table at all, only the functions that are made for it, other ones in each register.
DO $$
DECLARE
    routine regprocedure;
BEGIN
    FOR routine IN
        SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'bridge\_%'
    LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO jukinet_bridge', routine);
    END LOOP;
END
$$;
