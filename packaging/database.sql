-- What any login could harm the others by, whatever its roles are. As the superuser, once in the database of each register:
-- cluster.sql does so. Rights on PostgreSQL's own functions belong to a database, and to nobody but its superuser.
--
-- Advisory locks: others wait for them, and their number fills the table of locks, which all databases share. The owner's
-- functions take them, each for its duty (schemas/postgres). Letting go of one's own stays free.
-- Large objects: anybody may make any number of any size.
SELECT format('REVOKE EXECUTE ON FUNCTION %1$s FROM PUBLIC; GRANT EXECUTE ON FUNCTION %1$s TO %2$s', p.oid::regprocedure, datdba::regrole)
FROM pg_proc AS p, pg_database
WHERE datname = current_database() AND pronamespace = 'pg_catalog'::regnamespace
    AND (proname ~ '^pg_(try_)?advisory_(xact_)?lock' OR proname IN ('lo_creat', 'lo_create', 'lo_from_bytea'))
ORDER BY 1
\gexec
