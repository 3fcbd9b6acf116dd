-- pre: 0.1.0
-- 見守り: which parcel numbers never came, which came twice, and what a day's counts came to on both sides.

-- A gap is looked for by index: what lies in an open gap, and what lies above the highest number looked at.
CREATE INDEX parcel_by_number ON parcel (sender, number);

-- 電文番号: how far each sender's numbers were looked through.
CREATE TABLE numbering (
    sender area_code PRIMARY KEY,
    highest bigint NOT NULL CHECK (highest >= 0)
);

-- 欠番: numbers that were skipped and have not come since, as ranges that do not touch.
CREATE TABLE number_gap (
    sender area_code NOT NULL,
    first bigint NOT NULL CHECK (first > 0),
    last bigint NOT NULL,
    found_at timestamptz NOT NULL,
    PRIMARY KEY (sender, first),
    CHECK (last >= first)
);

-- 重番: a number that came again with another payload. Settled once somebody has looked at it.
CREATE TABLE number_reuse (
    sender area_code NOT NULL,
    number bigint NOT NULL,
    digest text NOT NULL,
    found_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    settled_at timestamptz,
    PRIMARY KEY (sender, number, digest)
);
CREATE INDEX number_reuse_open ON number_reuse (sender, number) WHERE settled_at IS NULL;

-- 日次照合: what a peer counted of a day and what we count, added to and never changed; the newest of a day counts.
CREATE TABLE comparison (
    comparison_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    peer text NOT NULL,
    day date NOT NULL,
    signed text NOT NULL,
    theirs jsonb NOT NULL,
    ours jsonb NOT NULL,
    differing text[] NOT NULL,
    compared_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX comparison_of ON comparison (peer, day, comparison_id DESC);
