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

-- Who speaks for which duty: a login may tell of those whose role it may take, and of no others. Several are written
-- with a plus between them. Where it runs it says itself.
CREATE FUNCTION speaks_for(name text) RETURNS boolean LANGUAGE sql STABLE
RETURN (
    SELECT bool_and(coalesce(pg_has_role(session_user, duty.role, 'MEMBER'), false))
    FROM string_to_table(name, '+') AS said (section)
    LEFT JOIN (VALUES
        ('notices', 'jukinet_notices'), ('national', 'jukinet_relay'), ('bridge', 'jukinet_bridge'),
        ('health', 'jukinet_status'), ('control', 'jukinet_control'), ('seal', 'jukinet_seal')
    ) AS duty (section, role) ON duty.section = said.section
);
ALTER TABLE process ENABLE ROW LEVEL SECURITY;
CREATE POLICY who_may_hear ON process FOR SELECT USING (true);
CREATE POLICY tells_of_itself ON process FOR INSERT WITH CHECK (speaks_for(name));
CREATE POLICY tells_again ON process FOR UPDATE USING (speaks_for(name));
CREATE POLICY takes_back ON process FOR DELETE USING (speaks_for(name));
