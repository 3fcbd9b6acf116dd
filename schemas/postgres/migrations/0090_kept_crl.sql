-- pre: 0.1.0
-- 失効リストの控え: the newest list of each CA that a process of this register has taken up, whole and signed as the CA
-- made it. A process that starts over an older file goes on with this one.

-- Each login keeps its own, and reads all: in other hands it can make none of the others' forgotten, nor stand in the way
-- of a newer one. A real list has 1 to 100 KB.
CREATE TABLE kept_crl (
    login name NOT NULL DEFAULT session_user,
    authority text NOT NULL CHECK (octet_length(authority) <= 100),
    number numeric NOT NULL,
    issued_at timestamptz NOT NULL,
    list bytea NOT NULL CHECK (octet_length(list) <= 1048576),
    taken_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (login, authority)
);
ALTER TABLE kept_crl ENABLE ROW LEVEL SECURITY;
CREATE POLICY who_may_recall ON kept_crl FOR SELECT USING (true);
CREATE POLICY keeps_its_own ON kept_crl FOR INSERT WITH CHECK (login = session_user);
CREATE POLICY keeps_a_newer ON kept_crl FOR UPDATE USING (login = session_user);

-- Of one login the last sixteen that were taken up: a CA that is no more is not listed anew.
CREATE FUNCTION few_lists() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    DELETE FROM kept_crl WHERE (login, authority) IN (
        SELECT login, authority FROM kept_crl WHERE login = new.login ORDER BY taken_at DESC OFFSET 16
    );
    RETURN NULL;
END
$$;
CREATE TRIGGER few_lists AFTER INSERT ON kept_crl FOR EACH ROW EXECUTE FUNCTION few_lists();
