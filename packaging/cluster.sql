-- Prepares a PostgreSQL for both registers. As its superuser, once: psql -f cluster.sql
-- The doors' roles may not log in; schemas/postgres/roles.sql grants them their rights at each migration. A unit logs
-- in by the name of its account (peer) and may become only the roles that it works in. None may take the connections of
-- the others: a unit needs 10 at most ([notices] workers more), twice that while another takes over from it.
\set ON_ERROR_STOP on

CREATE ROLE jukinet_notices NOLOGIN;
CREATE ROLE jukinet_relay NOLOGIN;
CREATE ROLE jukinet_status NOLOGIN;
CREATE ROLE jukinet_control NOLOGIN;
CREATE ROLE jukinet_history NOLOGIN;
CREATE ROLE jukinet_watch NOLOGIN;
CREATE ROLE jukinet_bridge NOLOGIN;
CREATE ROLE jukinet_keys NOLOGIN;
CREATE ROLE jukinet_seal NOLOGIN;
CREATE ROLE jukinet_audit NOLOGIN;

CREATE ROLE "jukinet-notices-juki" LOGIN NOINHERIT CONNECTION LIMIT 24 IN ROLE jukinet_notices, jukinet_watch, jukinet_status;
CREATE ROLE "jukinet-relay-juki" LOGIN NOINHERIT CONNECTION LIMIT 16 IN ROLE jukinet_relay, jukinet_status;
CREATE ROLE "jukinet-host-juki" LOGIN NOINHERIT CONNECTION LIMIT 16 IN ROLE jukinet_control, jukinet_status;
CREATE ROLE "jukinet-bridge-juki" LOGIN NOINHERIT CONNECTION LIMIT 16 IN ROLE jukinet_bridge, jukinet_status;
CREATE ROLE "jukinet-seal-juki" LOGIN NOINHERIT CONNECTION LIMIT 16 IN ROLE jukinet_seal, jukinet_status;
CREATE ROLE "jukinet-migrate-juki" LOGIN;
CREATE ROLE "jukinet-notices-fuhyo" LOGIN NOINHERIT CONNECTION LIMIT 24 IN ROLE jukinet_notices, jukinet_watch, jukinet_status;
CREATE ROLE "jukinet-relay-fuhyo" LOGIN NOINHERIT CONNECTION LIMIT 16 IN ROLE jukinet_relay, jukinet_status;
CREATE ROLE "jukinet-host-fuhyo" LOGIN NOINHERIT CONNECTION LIMIT 16 IN ROLE jukinet_control, jukinet_status;
CREATE ROLE "jukinet-bridge-fuhyo" LOGIN NOINHERIT CONNECTION LIMIT 16 IN ROLE jukinet_bridge, jukinet_status;
CREATE ROLE "jukinet-seal-fuhyo" LOGIN NOINHERIT CONNECTION LIMIT 16 IN ROLE jukinet_seal, jukinet_status;
CREATE ROLE "jukinet-migrate-fuhyo" LOGIN;
-- Who holds the key rings on this host rotates them (jukinetctl keys) and checks the ledger (jukinetctl ledger).
CREATE ROLE root LOGIN NOINHERIT IN ROLE jukinet_keys, jukinet_audit;

CREATE DATABASE juki OWNER "jukinet-migrate-juki" TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C';
CREATE DATABASE fuhyo OWNER "jukinet-migrate-fuhyo" TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C';
REVOKE ALL ON DATABASE juki, fuhyo FROM PUBLIC;
GRANT CONNECT ON DATABASE juki TO "jukinet-notices-juki", "jukinet-relay-juki", "jukinet-host-juki",
    "jukinet-bridge-juki", "jukinet-seal-juki";
GRANT CONNECT ON DATABASE fuhyo TO "jukinet-notices-fuhyo", "jukinet-relay-fuhyo", "jukinet-host-fuhyo",
    "jukinet-bridge-fuhyo", "jukinet-seal-fuhyo";
GRANT CONNECT ON DATABASE juki, fuhyo TO root;

\connect juki
\ir database.sql
\connect fuhyo
\ir database.sql
