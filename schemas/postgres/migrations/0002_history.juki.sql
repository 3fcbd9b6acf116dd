-- pre: 0.1.0
-- 都道府県知事保存本人確認情報ファイル (法30条の6第3項): every record as notified, never changed.
-- 個人番号 is stored sealed, with a blind index for equality.

CREATE DOMAIN change_word AS text CHECK (
    VALUE IN ('entry', 'deletion', 'correction', 'number_correction', 'code_correction')
);

CREATE TABLE history (
    person_id bigint NOT NULL REFERENCES person,
    version integer NOT NULL,
    notice_id uuid NOT NULL,
    area area_code NOT NULL,
    is_foreign boolean NOT NULL,
    change change_word NOT NULL,
    cause text NOT NULL,
    event_date date_text NOT NULL,
    resident_code resident_code NOT NULL,
    individual_number bytea,
    individual_number_index bytea,
    name exact_text,
    name_kana exact_text,
    former_family_name exact_text,
    former_family_name_kana exact_text,
    alias exact_text,
    date_of_birth date_text NOT NULL,
    birth_era text,
    sex sex_word,
    address exact_text NOT NULL,
    address_area area_code,
    name_gaiji gaiji_count NOT NULL,
    address_gaiji gaiji_count NOT NULL,
    previous_code resident_code,
    previous_number bytea,
    record_key text,
    notified_on date NOT NULL,
    -- For search only, worked out from the items above: domain/fold.py, domain/dates.py.
    search_name exact_text,
    search_kana exact_text,
    search_former_name exact_text,
    search_former_kana exact_text,
    search_alias exact_text,
    born_from date,
    born_to date,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (person_id, version),
    CHECK ((individual_number IS NULL) = (individual_number_index IS NULL))
);
CREATE INDEX history_by_number ON history (individual_number_index) WHERE individual_number_index IS NOT NULL;

CREATE TYPE history_row AS (
    person_id bigint, version integer, notice_id uuid, area text, is_foreign boolean, change text, cause text,
    event_date text, resident_code text, individual_number bytea, individual_number_index bytea, name text,
    name_kana text, former_family_name text, former_family_name_kana text, alias text, date_of_birth text,
    birth_era text, sex text, address text, address_area text, name_gaiji smallint,
    address_gaiji smallint, previous_code text, previous_number bytea, record_key text, notified_on date,
    search_name text, search_kana text, search_former_name text, search_former_kana text, search_alias text,
    born_from date, born_to date
);
