-- pre: 0.1.0
-- 処理: what each process of this register last said of itself, so that one door can tell of all. Unlogged: after
-- a crash every process says it again within seconds.

-- What one says is bounded, and how many a login says it of: whoever takes over a process fills no disk with it, nor
-- the memory of whoever reads it. A real report or set of metrics has 10 to 100 KB.
CREATE UNLOGGED TABLE process (
    name text NOT NULL CHECK (octet_length(name) <= 100),
    host text NOT NULL CHECK (octet_length(host) <= 255),
    told_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    report jsonb NOT NULL CHECK (octet_length(report::text) <= 1048576),
    metrics text NOT NULL CHECK (octet_length(metrics) <= 262144),
    login name NOT NULL DEFAULT session_user,
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

-- A process that ends in good order takes back what it said. Not by the right to delete: who has it can lock the table.
CREATE FUNCTION forget_process(whose text, its_host text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    DELETE FROM process WHERE name = whose AND host = its_host AND speaks_for(name)
$$;

-- Of one login the last sixteen that told: every host has a row, also one that is no more.
CREATE FUNCTION few_processes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    DELETE FROM process WHERE (name, host) IN (
        SELECT name, host FROM process WHERE login = new.login ORDER BY told_at DESC OFFSET 16
    );
    RETURN NULL;
END
$$;
CREATE TRIGGER few_processes AFTER INSERT ON process FOR EACH ROW EXECUTE FUNCTION few_processes();
