-- pre: 0.1.0
-- 封印: the places of the leaves in a Merkle tree (RFC 9162), its signed checkpoints, and what witnesses hold. The
-- sealer alone gives places. Nothing here is ever changed; only a gap goes when its late leaf has come.

-- 記録: one log after another; the newest is the one that grows. A log that was cut back cannot grow again.
CREATE TABLE ledger_log (
    log_id smallint PRIMARY KEY CHECK (log_id > 0),
    origin text NOT NULL UNIQUE,
    began_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- A checkpoint grows from the one before it, and no two from the same: the tree cannot fork in here.
CREATE TABLE ledger_checkpoint (
    log_id smallint NOT NULL REFERENCES ledger_log,
    size bigint NOT NULL,
    grew_from bigint NOT NULL CHECK (0 <= grew_from AND grew_from < size),
    note text NOT NULL,
    peaks bytea[] NOT NULL,
    -- The highest entry that has a place; what is missing below it stands in ledger_gap.
    seen bigint NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (log_id, size),
    UNIQUE (log_id, grew_from)
);
CREATE INDEX ledger_checkpoint_by_time ON ledger_checkpoint (sealed_at);

-- Leaves side by side in the ledger and in the tree: the first of `entries` has the place `position`, and so on.
CREATE TABLE ledger_run (
    log_id smallint NOT NULL REFERENCES ledger_log,
    position bigint NOT NULL CHECK (position >= 0),
    entries int8range NOT NULL CHECK (NOT isempty(entries)),
    PRIMARY KEY (log_id, position),
    CONSTRAINT one_place_an_entry EXCLUDE USING gist (
        int4range(log_id, log_id, '[]') WITH &&, entries WITH &&
    ),
    CONSTRAINT one_entry_a_place EXCLUDE USING gist (
        int4range(log_id, log_id, '[]') WITH &&,
        int8range(position, position + upper(entries) - lower(entries)) WITH &&
    )
);

-- Numbers that were passed over: not committed yet, or never. A leaf that comes late is looked for here, for ever.
CREATE TABLE ledger_gap (
    log_id smallint NOT NULL REFERENCES ledger_log,
    entries int8range NOT NULL CHECK (NOT isempty(entries)),
    PRIMARY KEY (log_id, entries)
);

-- Of the tree above the leaves the levels 4, 8, 12 ... are kept; the rest follows from them.
CREATE TABLE ledger_node (
    log_id smallint NOT NULL REFERENCES ledger_log,
    level smallint NOT NULL CHECK (level > 0 AND level % 4 = 0),
    index bigint NOT NULL CHECK (index >= 0),
    hash sha256 NOT NULL,
    PRIMARY KEY (log_id, level, index)
);

-- 証人: the newest checkpoint that each municipality has returned, under its signature on the parcel named here.
CREATE TABLE ledger_witness (
    sender area_code PRIMARY KEY,
    log_id smallint NOT NULL REFERENCES ledger_log,
    size bigint NOT NULL,
    note text NOT NULL,
    parcel_digest text NOT NULL,
    witnessed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- 食い違い: checkpoints under our key that are not of this log: it was cut back, or there were two of it.
CREATE TABLE ledger_conflict (
    conflict_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    log_id smallint NOT NULL REFERENCES ledger_log,
    sender area_code NOT NULL,
    size bigint NOT NULL,
    note text NOT NULL,
    parcel_digest text NOT NULL,
    found_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (log_id, note)
);
