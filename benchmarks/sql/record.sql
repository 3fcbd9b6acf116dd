-- One record in one transaction, as SQL alone: what pgbench calls.
--
-- take_record does for one notice what the daemon's own SQL does for it (store/sql/receive.sql and
-- migrations/0003_commit.sql): the same two reads, then compare-and-set of the person, new keys, inbox,
-- history, outbox and ledger, in the same tables under the same indexes and constraints, with values of the
-- same size. A transaction ends with each call, and PostgreSQL answers when it is durable. `entry` says
-- whether the person is new (記載) or held (修正); `reads` whether the two reads are made, as they are but
-- for ack_vs_pgbench_writes_only.
--
-- Every doubt is decided in pgbench's favour. Values are constants of the function: nothing is sent, parsed or
-- worked out for them. It calls no function but built-in ones, writes no parcel (電文), and sends no NOTIFY,
-- which would make commits wait for each other. It checks, signs, encrypts and encodes nothing.

CREATE FUNCTION spread(n bigint) RETURNS bigint IMMUTABLE LANGUAGE sql
RETURN n * 6180339887 % 10000000000;

CREATE FUNCTION remainder(v bigint) RETURNS bigint IMMUTABLE LANGUAGE sql
RETURN (v / 1000000000 * 5 + v / 100000000 % 10 * 4 + v / 10000000 % 10 * 3 + v / 1000000 % 10 * 2
    + v / 100000 % 10 * 7 + v / 10000 % 10 * 6 + v / 1000 % 10 * 5 + v / 100 % 10 * 4
    + v / 10 % 10 * 3 + v % 10 * 2) % 11;

CREATE FUNCTION code_of(n bigint) RETURNS text IMMUTABLE LANGUAGE sql
RETURN lpad(spread(n)::text, 10, '0')
    || CASE WHEN remainder(spread(n)) <= 1 THEN '0' ELSE (11 - remainder(spread(n)))::text END;

CREATE FUNCTION take_record(person_number bigint, entry boolean, reads boolean) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    id uuid := uuidv7();
    chosen bigint := person_number;
    code text;
    held record;
    next integer := 1;
BEGIN
    IF entry THEN
        chosen := nextval('person_number');
    END IF;
    code := code_of(chosen);

    IF reads THEN
        PERFORM notice_id::text, sender, answer FROM inbox WHERE notice_id = ANY (ARRAY[id]);
        SELECT k.kind, k.value, p.person_id, p.version, p.current, p.stays, p.waiting, p.coded INTO held
        FROM unnest(ARRAY['code'], ARRAY[code]) AS wanted (kind, value)
        JOIN person_key AS k ON k.kind = wanted.kind AND k.value = wanted.value
        JOIN person AS p ON p.person_id = k.person_id;
    END IF;

    IF entry THEN
        INSERT INTO person (person_id, version, current, stays, waiting, coded)
        VALUES (chosen, 1, 1, ARRAY[ROW('401315', false, true, 1, 'entry', '20261101', '20261101', 'domestic_move_in', NULL)::stay], 0, true)
        ON CONFLICT DO NOTHING;
        INSERT INTO person_key (kind, value, person_id) VALUES ('code', code, chosen) ON CONFLICT DO NOTHING;
    ELSIF reads THEN
        next := held.version + 1;
        UPDATE person
        SET version = next, current = next, waiting = 0, coded = true,
            stays = ARRAY[ROW('401315', false, true, next, 'correction', '20261101', '20261101', 'domestic_move_in', NULL)::stay]
        WHERE person_id = chosen AND version = held.version;
        -- Somebody else was faster: a daemon would go round again.
        IF NOT FOUND THEN
            RETURN;
        END IF;
    ELSE
        UPDATE person
        SET version = version + 1, current = version + 1, waiting = 0, coded = true,
            stays = ARRAY[ROW('401315', false, true, version + 1, 'correction', '20261101', '20261101', 'domestic_move_in', NULL)::stay]
        WHERE person_id = chosen
        RETURNING version INTO next;
    END IF;

    INSERT INTO inbox (notice_id, sender, parcel_id, fingerprint, outcome, code, answer)
    VALUES (
        id, '401307', 1, '\x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff', 'ACCEPTED',
        'A100', '{"code":"A100","id":"00000000-0000-0000-0000-000000000000","leaf":"xxxxxxxxxxxxxxxxxxxxxx'
        'xxxxxxxxxxxxxxxxxxxxx","outcome":"ACCEPTED","received_on":"2026-11-24","salt":"xxxxxxxxxxxxxxxxxxxxxx"}'
    ) ON CONFLICT DO NOTHING;
    INSERT INTO history (
        person_id, version, notice_id, area, is_foreign, change, cause, event_date, resident_code,
        individual_number, individual_number_index, name, name_kana, date_of_birth, birth_era, sex, address,
        address_area, name_gaiji, address_gaiji, notified_on, search_name, search_kana, born_from, born_to
    ) VALUES (
        chosen, next, id, '401315', false, CASE WHEN entry THEN 'entry' ELSE 'correction' END,
        'change_of_address', '20261101', code,
        '\x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899',
        decode(replace(id::text, '-', ''), 'hex'), '髙島　太郎', 'タカシマ　タロウ', '19850403', 'showa', 'male',
        '福岡県福岡市東区箱崎三丁目2345番地1　ハイツ箱崎101号', '401315', 0, 0, '2026-11-24', '高島太郎',
        'タカシマタロウ', '1985-04-03', '1985-04-03'
    );
    INSERT INTO outbox (notice_id, person_id, version) VALUES (id, chosen, next);
    INSERT INTO ledger (hash, salt, payload) VALUES (
        '\x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff',
        '\x00112233445566778899aabbccddeeff',
        '{"code":"A100","event":"notice","id":"00000000-0000-0000-0000-000000000000","parcel_digest":"xxxxxxxxxx'
        'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","position":1,"received_on":"2026-11-24","register":"juki","sender":'
        '"401307"}'
    );
END
$$;
