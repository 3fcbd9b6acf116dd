"""文字: JSON text read strictly, written canonically, and the kinds of text a field may hold."""

import json
import math
import re
from datetime import date, datetime
from itertools import chain
from typing import Annotated, Any, Never

import orjson
from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)

from jukinet_daemon.domain.dates import DATE_TEXT
from jukinet_daemon.domain.identifiers import AREA_CODE, INDIVIDUAL_NUMBER, RECORD_KEY, RESIDENT_CODE

# Control and format characters, line separators, the sign of a failed conversion, noncharacters; Hangul
# syllables, where 住基ネット統一文字 that nobody converted would show up; and what nobody sees, which makes
# two names look like one (Default_Ignorable_Code_Point), but for variation selectors: they tell 異体字 apart.
# Everything else stays code point by code point: no normalisation anywhere.
_FORBIDDEN = (
    r"\u0000-\u001F\u007F-\u009F\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180F"
    r"\u200B-\u200F\u2028-\u202E\u2060-\u206F\u3164\uAC00-\uD7FF\uFDD0-\uFDEF\uFEFF\uFFA0\uFFF0-\uFFFF"
    # Beyond the first plane, and the last two of each; as characters, since engines escape these differently.
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
    + "".join(chr(plane << 16 | 0xFFFE) + chr(plane << 16 | 0xFFFF) for plane in range(1, 17))
)
_ALLOWED = rf"^[^{_FORBIDDEN}]+$"

# Marks that stand on the character before them: nobody sees them as characters of their own. Diacritics, tone
# marks, 濁点 and 半濁点 of kana, and variation selectors.
_MARKS = (
    r"\u0300-\u034E\u0350-\u036F\u1AB0-\u1AFF\u1DC0-\u1DFF\u20D0-\u20FF"
    r"\u302A-\u302F\u3099\u309A\uFE00-\uFE0F\uFE20-\uFE2F"
    "\U000e0100-\U000e01ef"
)
_MARK = re.compile(f"[{_MARKS}]")
# No character needs more than a base and three marks; so nothing comes in without bound.
_CODE_POINTS_A_CHARACTER = 4


def characters_in(text: str) -> int:
    """How many characters people see in a text: a character and the marks on it are one."""
    return len(text[:1]) + len(_MARK.sub("", text[1:]))


def _calendar_day(text: str) -> str:
    date.fromisoformat(text)
    return text


def _moment(text: str) -> str:
    datetime.fromisoformat(text)
    return text


def _text(longest: int) -> StringConstraints:
    bound = longest * _CODE_POINTS_A_CHARACTER
    return StringConstraints(min_length=1, max_length=bound, pattern=_ALLOWED)


def _counted(longest: int) -> AfterValidator:
    def short_enough(text: str) -> str:
        # Almost every text is short in code points already, and then nothing need be counted.
        if len(text) > longest and characters_in(text) > longest:
            raise ValueError("too many characters")
        return text

    return AfterValidator(short_enough)


def _published(longest: int) -> WithJsonSchema:
    """maxLength bounds code points, as it does everywhere; a pattern of its own counts characters."""
    return WithJsonSchema(
        {
            "type": "string",
            "minLength": 1,
            "maxLength": longest * _CODE_POINTS_A_CHARACTER,
            "pattern": _ALLOWED,
            "allOf": [{"pattern": rf"^.[{_MARKS}]*([^{_MARKS}][{_MARKS}]*){{0,{longest - 1}}}$"}],
        }
    )


NameText = Annotated[str, _text(200), _counted(200), _published(200)]
AddressText = Annotated[str, _text(400), _counted(400), _published(400)]
NoticeId = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
]
RecordKey = Annotated[str, StringConstraints(pattern=rf"^{RECORD_KEY.pattern}$")]
AreaCode = Annotated[str, StringConstraints(pattern=rf"^{AREA_CODE.pattern}$")]
ResidentCode = Annotated[str, StringConstraints(pattern=rf"^{RESIDENT_CODE.pattern}$")]
IndividualNumber = Annotated[str, StringConstraints(pattern=rf"^{INDIVIDUAL_NUMBER.pattern}$")]
GaijiCount = Annotated[int, Field(ge=0, le=99)]
DateText = Annotated[str, StringConstraints(pattern=rf"^{DATE_TEXT.pattern}$")]
# Of the calendar: a day or moment that there is not would end whoever reckons with it.
DayText = Annotated[
    str,
    Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", json_schema_extra={"format": "date"}),
    AfterValidator(_calendar_day),
]
Moment = Annotated[
    str,
    StringConstraints(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$"
    ),
    Field(json_schema_extra={"format": "date-time"}),
    AfterValidator(_moment),
]


MAX_DEPTH = 8
_CONTAINERS = (dict, list)


class JsonFault(ValueError):
    """Bytes are not the JSON we take. The message says what is wrong, never what stands there."""


def read_json(data: bytes, *, marked: bool = False) -> Any:
    """Parses JSON strictly: UTF-8, no NaN or Infinity, whole numbers, each field once, no deep nesting.

    Raises JsonFault. No reader may choose which of two fields of one name was meant, or make a number of
    what is none of ours. With `marked` such come back as Duplicated and StrangeNumber: their reader refuses
    them by the name of the field.
    """
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_marked if marked else _plain,
            parse_constant=_no_constant,
            parse_float=StrangeNumber if marked else _no_fraction,
            parse_int=_whole_or_strange if marked else int,
        )
    except JsonFault:
        raise
    except UnicodeDecodeError:
        raise JsonFault("not UTF-8") from None
    except RecursionError:
        raise JsonFault("nested too deeply") from None
    except ValueError:
        raise JsonFault("not JSON") from None
    if deeper_than(value, MAX_DEPTH):
        raise JsonFault("nested too deeply")
    return value


def deeper_than(value: Any, depth: int) -> bool:
    """Whether containers are nested deeper than this; a notice needs four levels, its parcel included."""
    level = [value] if isinstance(value, _CONTAINERS) else []
    for _ in range(depth):
        inner = chain.from_iterable(part.values() if isinstance(part, dict) else part for part in level)
        level = [part for part in inner if isinstance(part, _CONTAINERS)]
    return bool(level)


class Duplicated(dict[str, Any]):
    """An object that named `field` twice; the reader of the notice refuses it by name."""

    field: str = ""


class StrangeNumber:
    """A number with a fraction, an exponent or thousands of digits. No field takes it, of whatever type."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def _plain(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise JsonFault("a field occurs twice")
    return fields


def _marked(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) == len(pairs):
        return fields
    names = [name for name, _ in pairs]
    marked = Duplicated(fields)
    marked.field = next(name for name in names if names.count(name) > 1)
    return marked


def _no_constant(_text: str) -> Never:
    raise JsonFault("NaN and Infinity are not JSON")


def _no_fraction(_text: str) -> Never:
    raise JsonFault("a number with a fraction or exponent")


def _whole_or_strange(text: str) -> int | StrangeNumber:
    try:
        return int(text)
    except ValueError:
        # Beyond 4,300 digits Python refuses: the time it takes grows with their square.
        return StrangeNumber(text)


def canonical(value: Any) -> bytes:
    """The canonical bytes of a JSON value: RFC 8785 for what we write (text, whole numbers, booleans, null).

    Names are ASCII and numbers whole, so sorting by code point and Python's integer form are what it asks.
    What is not yet checked may hold a lone surrogate, a number past 64 bits or a StrangeNumber: such have
    bytes here too, but pass no check.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return _canonical_of_anything(value)


def _canonical_of_anything(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=_of_strange)
    return text.encode("utf-8", "surrogatepass")


def _of_strange(number: StrangeNumber) -> list[float | str]:
    """What stands for it: like nothing that can have come in, for NaN is never read."""
    return [math.nan, number.text]


_NOTICE_ID = TypeAdapter(NoticeId)


def notice_id_in(raw: Any) -> str | None:
    """The notice id of parsed JSON, if it has a well-formed one; the rest of it may be anything."""
    try:
        return _NOTICE_ID.validate_python(raw["id"], strict=True)
    except (ValidationError, KeyError, TypeError, IndexError):
        return None
