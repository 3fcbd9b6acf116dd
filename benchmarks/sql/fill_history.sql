-- The history of people 1 to N, one record each, sealed items as random bytes of their size, and their keys:
-- about half of the work of filling.
-- Wants the psql variable `people`.
SET synchronous_commit = off;
SET maintenance_work_mem = '512MB';

INSERT INTO history (person_id, version, notice_id, area, is_foreign, change, cause, event_date,
    resident_code, individual_number, individual_number_index, name, name_kana, date_of_birth, birth_era, sex, address,
    address_area, name_gaiji, address_gaiji, notified_on, search_name, search_kana, born_from, born_to)
SELECT n, 1, md5('notice' || n)::uuid, filling.home(n), false, 'entry', 'domestic_move_in',
    '20250526', filling.code(n), substr(sha256(('number' || n)::bytea) || sha256(n::text::bytea), 1, 42),
    decode(md5('index' || n), 'hex'), '髙島　太郎' || n % 1000, 'タカシマ　タ' || chr(12450 + n % 80) || 'ウ',
    '19850403', 'showa', 'male',
    '福岡県福岡市東区箱崎三丁目' || n % 3000 || '番地1　ハイツ箱崎101号', filling.home(n), 0, 0,
    '2025-05-26', '高島太郎' || n % 1000, 'タカシマタ' || chr(12450 + n % 80) || 'ウ', '1985-04-03', '1985-04-03'
FROM generate_series(1, :people) AS n;
INSERT INTO person_key (kind, value, person_id)
SELECT 'code', filling.code(n), n FROM generate_series(1, :people) AS n;

VACUUM (ANALYZE) history, person_key;
SELECT later.on FROM filling.later WHERE relation IN ('history', 'person_key') AND turn > 1 ORDER BY turn DESC \gexec
