-- pre: 0.1.0
-- 都道府県知事保存附票本人確認情報ファイル (法30条の41第3項): every record as notified, never changed.
-- It has no 事由, no 個人番号, and shows 国外転出者である旨 in place of an address (法17条3号).

CREATE DOMAIN change_word AS text CHECK (
    VALUE IN ('entry', 'deletion', 'correction', 'code_correction')
);

CREATE TABLE history (
    person_id bigint NOT NULL REFERENCES person,
    version integer NOT NULL,
    notice_id uuid NOT NULL,
    area area_code NOT NULL,
    change change_word NOT NULL,
    event_date date_text NOT NULL,
    resident_code resident_code,
    name exact_text,
    name_kana exact_text,
    date_of_birth date_text NOT NULL,
    birth_era text,
    sex sex_word,
    address exact_text,
    address_area area_code,
    overseas boolean NOT NULL,
    name_gaiji gaiji_count NOT NULL,
    address_gaiji gaiji_count NOT NULL,
    previous_code resident_code,
    record_key text,
    notified_on date NOT NULL,
    -- For search only, worked out from the items above: domain/fold.py, domain/dates.py.
    search_name exact_text,
    search_kana exact_text,
    born_from date,
    born_to date,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (person_id, version),
    -- 国外転出者である旨 stands in place of an address; who was born abroad may have neither (法17条3号).
    CHECK (NOT overseas OR (address IS NULL AND address_area IS NULL))
);

CREATE TYPE history_row AS (
    person_id bigint, version integer, notice_id uuid, area text, change text, event_date text,
    resident_code text, name text, name_kana text, date_of_birth text, birth_era text, sex text, address text,
    address_area text, overseas boolean, name_gaiji smallint, address_gaiji smallint, previous_code text,
    record_key text, notified_on date, search_name text, search_kana text, born_from date, born_to date
);
