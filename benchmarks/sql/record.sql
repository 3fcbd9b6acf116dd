-- One record in one transaction, as SQL alone: what pgbench calls.
--
-- Each function does for one notice what the daemon's own SQL does for it (store/sql/receive.sql and
-- migrations/0003_commit.sql): the same two reads, then compare-and-set of the person, new keys, inbox,
-- history, outbox and ledger, in the same tables under the same indexes and constraints, with values of the
-- same size. A transaction ends with each call, and PostgreSQL answers when it is durable.
--
-- Every doubt is decided in pgbench's favour. Its values are constants of the function, so that nothing is
-- sent, parsed or worked out for them; it writes no parcel (電文); it sends no NOTIFY, which would make commits
-- wait for each other. It checks, signs, encrypts and encodes nothing.

CREATE FUNCTION spread(n bigint) RETURNS bigint IMMUTABLE LANGUAGE sql
RETURN n * 6180339887 % 10000000000;

CREATE FUNCTION remainder(v bigint) RETURNS bigint IMMUTABLE LANGUAGE sql
RETURN (v / 1000000000 * 5 + v / 100000000 % 10 * 4 + v / 10000000 % 10 * 3 + v / 1000000 % 10 * 2
    + v / 100000 % 10 * 7 + v / 10000 % 10 * 6 + v / 1000 % 10 * 5 + v / 100 % 10 * 4
    + v / 10 % 10 * 3 + v % 10 * 2) % 11;

CREATE FUNCTION code_of(n bigint) RETURNS text IMMUTABLE LANGUAGE sql
RETURN lpad(spread(n)::text, 10, '0')
    || CASE WHEN remainder(spread(n)) <= 1 THEN '0' ELSE (11 - remainder(spread(n)))::text END;

-- The rows that a correction and an entry have in common.
CREATE PROCEDURE write_record(id uuid, chosen bigint, next integer, code text, change text)
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO inbox (notice_id, sender, parcel_id, fingerprint, outcome, code, answer)
    VALUES (
        id, '401307', 1, '\x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff', 'ACCEPTED',
        'A100', '{"code":"A100","id":"00000000-0000-0000-0000-000000000000","leaf":"xxxxxxxxxxxxxxxxxxxxxxxxxxxx'
        'xxxxxxxxxxxxxxx","outcome":"ACCEPTED","received_on":"2026-11-24","salt":"xxxxxxxxxxxxxxxxxxxxxx"}'
    ) ON CONFLICT DO NOTHING;
    INSERT INTO history (
        person_id, version, notice_id, area, is_foreign, change, cause, event_date, resident_code,
        individual_number, individual_number_index, name, name_kana, date_of_birth, birth_era, sex, address,
        address_area, name_gaiji, address_gaiji, notified_on, search_name, search_kana, born_from, born_to
    ) VALUES (
        chosen, next, id, '401315', false, change, 'change_of_address', '20261101', code,
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

-- 修正 of a person who is held.
CREATE FUNCTION correct_person(chosen bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id uuid := gen_random_uuid();
    code text := code_of(chosen);
    held record;
BEGIN
    PERFORM notice_id::text, sender, fingerprint, answer FROM inbox WHERE notice_id = ANY (ARRAY[id]);
    SELECT k.kind, k.value, p.person_id, p.version, p.current, p.stays, p.waiting, p.coded INTO held
    FROM unnest(ARRAY['code'], ARRAY[code]) AS wanted (kind, value)
    JOIN person_key AS k ON k.kind = wanted.kind AND k.value = wanted.value
    JOIN person AS p ON p.person_id = k.person_id;
    UPDATE person
    SET version = held.version + 1, current = held.version + 1, waiting = 0, coded = true,
        stays = ARRAY[ROW('401315', false, true, held.version + 1, 'correction', '20261101')::stay]
    WHERE person_id = held.person_id AND version = held.version;
    IF FOUND THEN
        CALL write_record(id, held.person_id, held.version + 1, code, 'correction');
    END IF;
END
$$;

-- 記載 of a person who is new.
CREATE FUNCTION enter_person() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id uuid := gen_random_uuid();
    fresh bigint := nextval('person_number');
    code text := code_of(fresh);
BEGIN
    PERFORM notice_id::text, sender, fingerprint, answer FROM inbox WHERE notice_id = ANY (ARRAY[id]);
    PERFORM k.kind, k.value, p.person_id, p.version, p.current, p.stays, p.waiting, p.coded
    FROM unnest(ARRAY['code'], ARRAY[code]) AS wanted (kind, value)
    JOIN person_key AS k ON k.kind = wanted.kind AND k.value = wanted.value
    JOIN person AS p ON p.person_id = k.person_id;
    INSERT INTO person (person_id, version, current, stays, waiting, coded)
    VALUES (fresh, 1, 1, ARRAY[ROW('401315', false, true, 1, 'entry', '20261101')::stay], 0, true)
    ON CONFLICT DO NOTHING;
    INSERT INTO person_key (kind, value, person_id) VALUES ('code', code, fresh) ON CONFLICT DO NOTHING;
    CALL write_record(id, fresh, 1, code, 'entry');
END
$$;

-- The same two without the reads, for ack_vs_pgbench_writes_only.
CREATE FUNCTION correct_person_unread(chosen bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    next integer;
BEGIN
    UPDATE person
    SET version = version + 1, current = version + 1, waiting = 0, coded = true,
        stays = ARRAY[ROW('401315', false, true, version + 1, 'correction', '20261101')::stay]
    WHERE person_id = chosen
    RETURNING version INTO next;
    CALL write_record(gen_random_uuid(), chosen, next, code_of(chosen), 'correction');
END
$$;

CREATE FUNCTION enter_person_unread() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    fresh bigint := nextval('person_number');
    code text := code_of(fresh);
BEGIN
    INSERT INTO person (person_id, version, current, stays, waiting, coded)
    VALUES (fresh, 1, 1, ARRAY[ROW('401315', false, true, 1, 'entry', '20261101')::stay], 0, true)
    ON CONFLICT DO NOTHING;
    INSERT INTO person_key (kind, value, person_id) VALUES ('code', code, fresh) ON CONFLICT DO NOTHING;
    CALL write_record(gen_random_uuid(), fresh, 1, code, 'entry');
END
$$;
