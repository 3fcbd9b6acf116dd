-- pre: 0.1.0
-- 処理: what each process of this register last said of itself, so that one door can tell of all. Unlogged: after
-- a crash every process says it again within seconds.

CREATE UNLOGGED TABLE process (
    name text NOT NULL,
    host text NOT NULL,
    told_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    report jsonb NOT NULL,
    metrics text NOT NULL,
    PRIMARY KEY (name, host)
);
