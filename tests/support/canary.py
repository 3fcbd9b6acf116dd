"""残鳥: marks that only our residents carry, in every writing they could leak in, and the search for them."""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from jukinet_daemon.domain.identifiers import individual_number_check_digit, resident_code_check_digit
from support.notices import juki_change

# Every value is a mark with a number of its own behind it: to find the mark is to find any of them.
NUMBER_MARK, CODE_MARK = "73194628", "6028417"
NAME_MARK, KANA_MARK, PLACE_MARK = "金糸雀識別", "キンシジャクシキベツ", "福岡県福岡市東区金糸雀"
MARKS = (NUMBER_MARK, CODE_MARK, NAME_MARK, KANA_MARK, PLACE_MARK)
_numbers = count()
# The serials of all residents made here.
MADE: list[str] = []
# 1,000 residents fit the three digits; more would repeat a number.
_DIGITS = 3


def resident(**changes: Any) -> dict[str, Any]:
    """The notice of a resident nobody else is."""
    serial = f"{next(_numbers):0{_DIGITS}}"
    assert len(serial) == _DIGITS
    MADE.append(serial)
    return juki_change(person=person_of(serial) | changes.pop("person", {}), **changes)


def person_of(serial: str) -> dict[str, Any]:
    """The items of a person by which it is known anywhere."""
    number, code = NUMBER_MARK + serial, CODE_MARK + serial
    return {
        "individual_number": number + individual_number_check_digit(number),
        "resident_code": code + resident_code_check_digit(code),
        "name": f"{NAME_MARK} {serial}",
        "name_kana": f"{KANA_MARK} {serial}",
        "address": f"{PLACE_MARK}{serial}号",
    }


def writings(mark: str) -> set[bytes]:
    """A mark in UTF-8, UTF-16, JSON escapes, and each of them in hex and in base64 at each alignment."""
    plain = {mark.encode(), mark.encode("utf-16-le"), mark.encode("utf-16-be")}
    escaped = mark.encode("ascii", "backslashreplace")
    plain |= {escaped, escaped.replace(b"\\", b"\\\\")}  # JSON, and JSON within JSON
    hexed = {text for each in plain for text in (each.hex().encode(), each.hex().upper().encode())}
    return plain | hexed | {text for each in plain for text in _base64(each)}


def _base64(raw: bytes) -> Iterator[bytes]:
    for before in range(3):
        text = b64encode(b"\0" * before + raw)
        # The first and the last letter also hold bits of what stands around.
        first = (before * 8 + 5) // 6
        yield text[first : (before + len(raw)) * 8 // 6]


def found(hay: bytes, marks: Iterable[str] = MARKS) -> set[str]:
    """The marks that stand in some bytes, in any writing."""
    return {mark for mark in marks if any(needle in hay for needle in writings(mark))}


def found_below(folder: Path, marks: Iterable[str]) -> dict[str, set[str]]:
    """The files below a folder in which marks stand; a database's files are small enough here."""
    hits = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        # A server at work makes some of its files anew.
        with suppress(FileNotFoundError):
            if marked := found(path.read_bytes(), marks):
                hits[str(path.relative_to(folder))] = marked
    return hits
