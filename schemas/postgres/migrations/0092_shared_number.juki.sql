-- pre: 0.1.0
-- 個人番号の重なり: residents whose records that hold good show one number. A number is one person's (番号法2条5項, 7条),
-- but only among these: a 消除 and what is past keep theirs. Nobody but the owner reads it (docs/adr/0009).
-- Between `use` and the end of `reseal` of a rotation one number has two indexes, and such a pair is not seen.
CREATE VIEW shared_number AS
SELECT array_agg(p.person_id ORDER BY p.person_id) AS people, array_agg(h.area ORDER BY p.person_id) AS areas
FROM person AS p
JOIN history AS h ON h.person_id = p.person_id AND h.version = p.current
WHERE h.individual_number_index IS NOT NULL AND EXISTS (SELECT FROM unnest(p.stays) AS stay WHERE stay.is_open)
GROUP BY h.individual_number_index
HAVING count(*) > 1;
