-- Puts back the foreign keys and leaves the settings as they were.
SELECT later.on FROM filling.later WHERE turn = 1 \gexec
SELECT setval('person_number', :people), setval('parcel_number', :people);
DROP SCHEMA filling CASCADE;
ALTER SYSTEM RESET max_wal_size;
SELECT pg_reload_conf();
CHECKPOINT;
