-- pre: 0.1.0
-- 失効リストの控え: the newest list of each CA that a process of this register has taken up, whole and signed as the CA
-- made it. A process that starts over an older file goes on with this one.

CREATE TABLE kept_crl (
    authority text PRIMARY KEY,
    number numeric NOT NULL,
    issued_at timestamptz NOT NULL,
    list bytea NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
