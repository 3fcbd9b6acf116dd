"""根拠表: makes schemas/codes/legal_bases.csv and number_bases.csv from the texts of the statutes.

    python scripts/derive_bases.py FOLDER      (or: make bases LAW=FOLDER)

FOLDER holds the statutes as Markdown, each with the front matter `identifier` (the e-Gov 法令ID) and
`enforced_at`, tables as Markdown tables, items as `- 一　...`. Nothing reads the statutes at run time or in
tests; when one is amended, this is run again and the difference is read by a person.
"""

import csv
import re
import sys
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

JUKI_ACT, NUMBER_ACT, QUASI_ORDINANCE = "342AC0000000081", "425AC0000000027", "506M60000008049"
CODES = Path(__file__).parents[1] / "schemas" / "codes"

_NUMERAL = "[一二三四五六七八九十百]+(?:の[一二三四五六七八九十]+)*"
_ITEM = re.compile(rf"^- ({_NUMERAL})　(.+)$")
_SUB_ITEM = re.compile(r"^  - (.+)$")
_TABLE_ROW = re.compile(rf"^\| ({_NUMERAL})　(.+?) \| (.+) \|$")
_GOVERNOR = "都道府県知事"
_DIGITS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}

# 上欄 of the Number Act's table -> organs of a prefecture among those it names.
_HOLDERS = (
    ("都道府県知事", "governor"),
    ("都道府県の長", "governor"),
    ("地方公共団体の長", "governor"),
    ("関係県の知事", "governor"),
    ("都道府県教育委員会", "education"),
    # 公金受取口座登録法10条: 行政機関の長等 includes every 執行機関; 児童手当法17条1項: who pays an official.
    ("特定公的給付の支給を実施する行政機関の長等", "governor executive"),
    ("児童手当法（昭和四十六年法律第七十三号）第十七条第一項の表の下欄", "governor executive"),
)
# Rows of the same Act and organ whose affair is another one, struck after reading both.
_OTHER_AFFAIR = {
    "J5-1-2": {"N-115-3", "N-115-4", "N-115-5"},  # 避難住民の誘導; not 救援, 安否情報, 損害補償
    "J5-7-2": {"N-96"},  # 医療の給付等; not 被爆者健康手帳等
    "J5-8-2": {"N-8-2", "N-10"},  # 里親, 保育士等; not 地域限定保育士, 助産施設等
    "J5-8-3": {"N-8", "N-10"},  # 地域限定保育士の登録 (児童福祉法18条の28)
    "J5-8-4": {"N-8", "N-8-2"},  # 助産, 母子保護の実施
}


@dataclass(frozen=True)
class Statute:
    """One statute: the body of its text and the day from which this text is in force."""

    text: str
    enforced_at: str

    def between(self, start: str, end: str | None = None) -> list[str]:
        """The lines after a heading, up to another. Exits when the heading is not there."""
        _, found, rest = self.text.partition(start)
        if not found:
            sys.exit(f"見出しがありません / heading not found: {start}")
        return (rest.partition(end)[0] if end else rest).splitlines()


@dataclass(frozen=True)
class NumberRow:
    """A row of number_bases.csv."""

    code: str
    row: str
    holder: str
    affair: str
    valid_from: str
    valid_to: str
    citation: str


@dataclass(frozen=True)
class BasisRow:
    """A row of legal_bases.csv."""

    code: str
    table: str
    row: str
    use: str
    organs: str
    requester: str
    affair: str
    number_bases: str
    juki_article: str
    fuhyo_article: str
    valid_from: str
    valid_to: str
    citation: str


@dataclass(frozen=True)
class Source:
    """A table of bases: the letters of its codes, what it is called, and the articles that point to it."""

    letters: str
    table: str
    use: str
    juki_article: str
    fuhyo_article: str

    def basis(
        self, statute: Statute, row: str, organs: str, requester: str, affair: str, numbers: str
    ) -> BasisRow:
        """A basis from one row of this table."""
        return BasisRow(
            f"{self.letters}-{branch(row)}",
            self.table,
            row,
            self.use,
            organs,
            requester,
            affair,
            numbers,
            self.juki_article,
            self.fuhyo_article,
            statute.enforced_at,
            "",
            self._citation(row),
        )

    def _citation(self, row: str) -> str:
        if self.juki_article.startswith(self.table):
            return self.juki_article
        if self.use == "provision":
            return f"{self.juki_article}, {self.table}の{row}の項"
        number, *branches = row.split("の")
        item = "の".join((f"第{number}号", *branches))
        return f"{self.juki_article}, {self.table}{item}"


FIFTH = Source("J5", "法別表第五", "use", "法30条の15第1項1号", "法30条の44の6第1項1号")
SIXTH = Source("J6", "法別表第六", "provision", "法30条の15第2項1号", "法30条の44の6第2項1号")
CONSENT = Source("J15", "法30条の15第1項", "use", "法30条の15第1項3号", "法30条の44の6第1項3号")
STATISTICS = Source("J15", "法30条の15第1項", "use", "法30条の15第1項4号", "法30条の44の6第1項4号")
QUASI_USE = Source("Q2", "準法定事務省令2条", "use", "法30条の15の2第2項", "法30条の44の7第2項")
QUASI_PROVISION = Source("Q3", "準法定事務省令3条", "provision", "法30条の15の2第3項", "法30条の44の7第3項")


def branch(numeral: str) -> str:
    """百三十三の二 as 133-2: the row's own name, which stays when others are put between."""
    return "-".join(str(_number(part)) for part in numeral.split("の"))


def _number(kanji: str) -> int:
    total, unit = 0, 0
    for sign in kanji:
        if sign in _DIGITS:
            unit = _DIGITS[sign]
        else:
            total += max(unit, 1) * {"十": 10, "百": 100}[sign]
            unit = 0
    return total + unit


def read_statutes(folder: Path) -> dict[str, Statute]:
    """The statutes of a folder by 法令ID. Exits when one of the three is missing."""
    found = {}
    for path in sorted(folder.rglob("*.md")):
        text = path.read_text("utf-8")
        head = dict(re.findall(r'^ *(identifier|enforced_at): "([^"]+)"$', text[:2000], re.MULTILINE))
        if "identifier" in head and "enforced_at" in head:
            found[head["identifier"]] = Statute(text, head["enforced_at"])
    if missing := {JUKI_ACT, NUMBER_ACT, QUASI_ORDINANCE} - set(found):
        sys.exit(f"法令がありません / statutes not found in {folder}: {', '.join(sorted(missing))}")
    return found


def number_rows(act: Statute) -> list[NumberRow]:
    """番号法別表 by row, and the two ways of article 9 that the table does not list."""
    rows = [
        NumberRow(
            f"N-{branch(row)}", row, holder, affair, act.enforced_at, "", f"番号法9条1項, 別表の{row}の項"
        )
        for row, holder, affair in _table(act.between("\n**別表**\n"))
    ]
    article = (
        ("N9-1", "準法定事務処理者", "準法定事務として主務省令で定めるもの", "番号法9条1項"),
        ("N9-2", "地方公共団体の長その他の執行機関", "条例で定める事務", "番号法9条2項"),
    )
    return rows + [
        NumberRow(code, "", holder, affair, act.enforced_at, "", citation)
        for code, holder, affair, citation in article
    ]


def basis_rows(juki: Statute, quasi: Statute, numbers: list[NumberRow]) -> Iterator[BasisRow]:
    """法30条の15第1項3号・4号, 別表第五, 別表第六, 準法定事務省令2条・3条."""
    _, _, consent, statistics = list(_items(juki.between("\n**第三十条の十五（", "\n**２**")))
    for source, (row, affair) in ((CONSENT, consent), (STATISTICS, statistics)):
        yield source.basis(juki, row, "governor", _GOVERNOR, affair, "")
    for row, affair in _items(juki.between("\n**別表第五**\n", "\n**別表第六**\n")):
        found = _number_bases(f"J5-{branch(row)}", affair, "governor", numbers)
        yield FIFTH.basis(juki, row, "governor", _GOVERNOR, affair, found)
    for row, requester, affair in _table(juki.between("\n**別表第六**\n")):
        organs = _organs(requester)
        found = _number_bases(f"J6-{branch(row)}", affair, organs, numbers)
        yield SIXTH.basis(juki, row, organs, requester, affair, found)
    # 法30条の15の2第1項: 準法定事務 are affairs for which 番号法9条1項 permits the number.
    for row, affair in _items(quasi.between("\n**第二条**", "\n**第三条**")):
        yield QUASI_USE.basis(quasi, row, "governor", _GOVERNOR, affair, "N9-1")
    for row, requester, affair in _table(quasi.between("\n**第三条**", "\n## 附則")):
        yield QUASI_PROVISION.basis(quasi, row, _organs(requester), requester, affair, "N9-1")


def _items(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Numbered items, each with its sub-items run on."""
    row, words = "", ""
    for line in lines:
        if item := _ITEM.match(line):
            if row:
                yield row, words
            row, words = item[1], item[2]
        elif row and (sub := _SUB_ITEM.match(line)):
            words += sub[1]
    yield row, words


def _table(lines: list[str]) -> Iterator[tuple[str, str, str]]:
    for line in lines:
        if found := _TABLE_ROW.match(line):
            yield found[1], found[2], found[3]


def _organs(requester: str) -> str:
    named = {"都道府県知事以外の執行機関": "executive", "監査委員": "audit"}
    return named.get(requester) or {"教育委員会": "education", "都道府県教育委員会": "education"}[requester]


def _number_bases(code: str, affair: str, organs: str, numbers: list[NumberRow]) -> str:
    """The rows of the Number Act under which these organs may use 個人番号 for this affair.

    They are of the same Act, and name the organ. Where the affair is one that a law has the governor do
    (都道府県知事が行うこととされたもの), 番号法9条1項 takes him for whoever the row names.
    """
    delegated = "都道府県知事が行うこととされたもの" in affair
    return " ".join(
        row.code
        for row in numbers
        if row.row and _statute(row.affair) == _statute(affair)
        if delegated or _holds(row.holder, organs)
        if row.code not in _OTHER_AFFAIR.get(code, ())
    )


def _holds(holder: str, organ: str) -> bool:
    return any(words in holder and organ in organs.split() for words, organs in _HOLDERS)


def _statute(affair: str) -> str:
    """The name of the Act an affair is under, without what stands in brackets."""
    while (shorter := re.sub(r"（[^（）]*）", "", affair)) != affair:
        affair = shorter
    return re.split("による|の規定により|に基づく", affair, maxsplit=1)[0]


def _write(path: Path, kind: type, rows: list[BasisRow] | list[NumberRow]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(field.name for field in fields(kind))
        writer.writerows(astuple(row) for row in rows)
    print(f"{path.name}: {len(rows)}")


def main() -> None:
    """Reads the folder that is named and writes both tables."""
    if len(sys.argv) != 2:
        sys.exit("使い方 / usage: python scripts/derive_bases.py FOLDER")
    statutes = read_statutes(Path(sys.argv[1]))
    numbers = number_rows(statutes[NUMBER_ACT])
    _write(CODES / "number_bases.csv", NumberRow, numbers)
    bases = list(basis_rows(statutes[JUKI_ACT], statutes[QUASI_ORDINANCE], numbers))
    _write(CODES / "legal_bases.csv", BasisRow, bases)


if __name__ == "__main__":
    main()
