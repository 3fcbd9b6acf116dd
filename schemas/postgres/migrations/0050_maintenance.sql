-- pre: 0.1.0
-- 保守: until when no new work is taken, and what those who come are told. Past its time the one row means nothing.

CREATE TABLE maintenance (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    until timestamptz NOT NULL,
    reason text NOT NULL CHECK (octet_length(reason) <= 60),
    operator text NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);
