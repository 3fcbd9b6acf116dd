-- pre: 0.1.0
-- 保存期間 (令30条の6, 令30条の12の4): until which day each record must be kept. The same as domain/retention.py;
-- a test holds the two against each other. Nobody but the owner reads it yet.

-- starts_on is the first day of the 150 years: of a 消除 its own notification; of any other record the next
-- notification about that person, or its own where the next had been held and came before it; null where nothing
-- follows. The last day is the one before the anniversary (民法143条2項). A 29 February has none: `+ interval` gives
-- 28 February, which is then itself the last day.
CREATE VIEW retention AS
SELECT person_id, version, starts_on,
    CASE WHEN to_char(starts_on, 'MMDD') = '0229' THEN anniversary ELSE anniversary - 1 END AS keep_until
FROM (
    SELECT person_id, version, starts_on, (starts_on + interval '150 years')::date AS anniversary
    FROM (
        SELECT person_id, version,
            CASE WHEN change = 'deletion' THEN notified_on
                -- Not greatest(): it would pass over the null where nothing follows.
                WHEN lead(notified_on) OVER later < notified_on THEN notified_on
                ELSE lead(notified_on) OVER later
            END AS starts_on
        FROM history
        WINDOW later AS (PARTITION BY person_id ORDER BY version)
    ) AS term
) AS dated;
