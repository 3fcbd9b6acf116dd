-- pre: 0.1.0
-- 順番: who works alone at a time. Each key is taken with the owner's rights by the function of its duty, and by nobody
-- else where packaging/database.sql was run: whoever holds one keeps the others of that duty waiting.

-- One relay a register: order per person would not survive two. The lock goes with its connection.
CREATE FUNCTION lock_relay() RETURNS boolean LANGUAGE sql SECURITY DEFINER
RETURN pg_try_advisory_lock(hashtext('jukinet relay'));

-- One sealer at a time, until its round ends; another finds nothing to do.
CREATE FUNCTION lock_seal() RETURNS boolean LANGUAGE sql SECURITY DEFINER
RETURN pg_try_advisory_xact_lock(hashtext('jukinet ledger seal'));

-- Two processes of one register look at the numbers one after the other.
CREATE FUNCTION lock_numbers() RETURNS void LANGUAGE sql SECURITY DEFINER
RETURN pg_advisory_xact_lock(hashtext('jukinet numbers'));

-- One rotation of the keys at a time. The lock goes with its connection.
CREATE FUNCTION lock_keys() RETURNS boolean LANGUAGE sql SECURITY DEFINER
RETURN pg_try_advisory_lock(hashtext('jukinet keys'));
