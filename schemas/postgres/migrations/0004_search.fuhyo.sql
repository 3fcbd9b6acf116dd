-- pre: 0.1.0
-- あいまい検索: finds persons by the folded keys of their names past and present, whole or from the beginning,
-- and by day of birth. The keys stand on the rules of domain/fold.py and on schemas/codes/name_variants.csv: when
-- either changes, a migration must bring the keys of what is stored up to it.

CREATE INDEX history_by_name ON history (search_name, born_from);
CREATE INDEX history_by_kana ON history (search_kana, born_from);
CREATE INDEX history_by_birth ON history (born_from, born_to);
