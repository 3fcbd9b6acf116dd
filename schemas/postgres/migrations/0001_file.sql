-- pre: 0.1.0
-- The file of one register: what came in, what is held of each person, what goes out, and the evidence.

-- Stored text is compared code point by code point: another collation would take 葛 and 葛+IVS for one.
CREATE DOMAIN exact_text AS text COLLATE "C";

CREATE DOMAIN area_code AS text CHECK (VALUE ~ '^[0-9]{6}$');
CREATE DOMAIN resident_code AS text CHECK (VALUE ~ '^[0-9]{11}$');
CREATE DOMAIN date_text AS text CHECK (VALUE ~ '^[0-9]{4}(0[0-9]|1[0-2]|A[1-4])([0-2][0-9]|3[01]|A[1-3])$');

-- What one column may hold is said by its domain. A CHECK of the table says the same but is parsed anew by every
-- statement that writes the table, which took a fifth of the time of a commit.
CREATE DOMAIN counting AS bigint CHECK (VALUE > 0);
CREATE DOMAIN version_number AS integer CHECK (VALUE > 0);
CREATE DOMAIN waiting_count AS integer CHECK (VALUE >= 0);
CREATE DOMAIN outcome_word AS text CHECK (VALUE IN ('ACCEPTED', 'HELD', 'REFUSED'));
CREATE DOMAIN key_kind AS text CHECK (VALUE IN ('code', 'record'));
CREATE DOMAIN sex_word AS text CHECK (VALUE IN ('male', 'female'));
CREATE DOMAIN gaiji_count AS smallint CHECK (VALUE BETWEEN 0 AND 99);
CREATE DOMAIN sha256 AS bytea CHECK (length(VALUE) = 32);

-- 電文: every parcel that was read, sealed, with the signature that makes it non-repudiable.
CREATE SEQUENCE parcel_number;
CREATE TABLE parcel (
    parcel_id bigint PRIMARY KEY,
    sender area_code NOT NULL,
    number counting NOT NULL,
    digest text NOT NULL,
    thumbprint text NOT NULL,
    sealed bytea NOT NULL,
    received_at timestamptz NOT NULL
);
CREATE INDEX parcel_by_sender ON parcel (sender, received_at);

-- 受付: the permanent memory of notice ids, and the first answer to each.
CREATE TABLE inbox (
    notice_id uuid PRIMARY KEY,
    sender area_code NOT NULL,
    parcel_id bigint NOT NULL,
    fingerprint bytea NOT NULL,
    outcome outcome_word NOT NULL,
    code text NOT NULL,
    answer text NOT NULL,
    redelivered integer NOT NULL DEFAULT 0
);

-- 人: the state a decision is made on, guarded by its version.
CREATE TYPE stay AS (
    area text, is_foreign boolean, is_open boolean, version integer, change text, event_date text,
    -- The day and cause of the 記載 by which it began; the sender's name for its record.
    began text, began_by text, record_key text
);
CREATE SEQUENCE person_number;
CREATE TABLE person (
    person_id bigint PRIMARY KEY,
    version version_number NOT NULL,
    current version_number,
    stays stay[] NOT NULL,
    waiting waiting_count NOT NULL,
    coded boolean NOT NULL
) WITH (fillfactor = 80);

-- Whatever finds a person: resident codes past and present, senders' record keys. A key never moves.
CREATE TABLE person_key (
    kind key_kind NOT NULL,
    value exact_text NOT NULL,
    person_id bigint NOT NULL REFERENCES person,
    PRIMARY KEY (kind, value)
);
CREATE INDEX person_key_of ON person_key (person_id);

CREATE TYPE key_row AS (kind text, value text, person_id bigint);

-- 保留: notices that wait for an operator, sealed as they came.
CREATE TABLE held (
    -- The order in which they came, whatever the clocks say.
    held_id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    notice_id uuid PRIMARY KEY,
    person_id bigint NOT NULL REFERENCES person,
    -- Further persons that it keeps waiting, where its codes name more than one.
    others bigint[] NOT NULL,
    code text NOT NULL,
    sender area_code NOT NULL,
    -- The codes and record keys that it tied to its person while it waits; rejected, it lets them go.
    tied key_row[] NOT NULL,
    sealed bytea NOT NULL,
    -- The day it came: releasing it later must not move the retention clock (令30条の6, 30条の12の4).
    notified_on date NOT NULL,
    held_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX held_of ON held (person_id);

-- 転出確定 (令13条3項).
CREATE TABLE departure (
    notice_id uuid PRIMARY KEY,
    person_id bigint NOT NULL REFERENCES person,
    area area_code NOT NULL,
    event_date date_text NOT NULL,
    notified_on date NOT NULL
);

-- 全国サーバへの送り: written with its record, closed by the national server's signed receipt.
CREATE SEQUENCE relay_number;
CREATE TABLE receipt (
    receipt_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    parcel_digest text NOT NULL,
    signed text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE outbox (
    outbox_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    notice_id uuid NOT NULL UNIQUE,
    person_id bigint NOT NULL,
    version integer NOT NULL,
    entered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    receipt_id bigint REFERENCES receipt,
    refused text
) WITH (fillfactor = 80);
CREATE INDEX outbox_waiting ON outbox (outbox_id) WHERE receipt_id IS NULL;
CREATE INDEX outbox_refused ON outbox (outbox_id) WHERE refused IS NOT NULL;

-- 証跡: one leaf for every communication and operation, in the transaction of the thing itself.
CREATE TABLE ledger (
    entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash sha256 NOT NULL,
    salt bytea NOT NULL,
    payload exact_text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- What the closing transaction of a batch writes: a commit that writes nothing would flush nothing. A few slots,
-- so that workers do not wait for one another's flush.
CREATE TABLE closing (
    slot smallint PRIMARY KEY CHECK (slot BETWEEN 0 AND 15),
    batches bigint NOT NULL
);
INSERT INTO closing (slot, batches) SELECT slot, 0 FROM generate_series(0, 15) AS slot;

CREATE TYPE parcel_row AS (
    parcel_id bigint, sender text, number bigint, digest text, thumbprint text, sealed bytea,
    received_at timestamptz
);
CREATE TYPE inbox_row AS (
    notice_id uuid, sender text, parcel_id bigint, fingerprint bytea, outcome text, code text, answer text
);
CREATE TYPE person_row AS (
    person_id bigint, version integer, current integer, stays stay[], waiting integer, coded boolean
);
CREATE TYPE held_row AS (
    notice_id uuid, person_id bigint, others bigint[], code text, sender text, tied key_row[], sealed bytea,
    notified_on date
);
CREATE TYPE departure_row AS (notice_id uuid, person_id bigint, area text, event_date text, notified_on date);
CREATE TYPE ledger_row AS (hash bytea, salt bytea, payload text);
