"""二つの判定: what the published JSON Schema says of a message, against what our reader said.

Differences that are documented: no schema sees an unpaired surrogate, a field that is named twice, or that a
whole number was written with a fraction or an exponent.
"""

import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

from jukinet_daemon.schemas import schemas_folder


def _pattern(_validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[ValidationError]:
    """`pattern` as JSON Schema means it (ECMA-262): Python's $ would also match before a final line break."""
    if isinstance(value, str) and not re.search(pattern.removesuffix("$") + r"\Z", value):
        yield ValidationError("does not match the pattern")


_Ecma: Any = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]


# What `format` says is checked: no pattern knows the lengths of months.
_FORMATS = FormatChecker(())


@_FORMATS.checks("date", ValueError)
def _date(value: object) -> bool:
    return not isinstance(value, str) or bool(date.fromisoformat(value))


@_FORMATS.checks("date-time", ValueError)
def _date_time(value: object) -> bool:
    return not isinstance(value, str) or bool(datetime.fromisoformat(value))


@cache
def _schema(name: str) -> Any:
    path = schemas_folder() / "messages" / f"{name}.schema.json"
    return _Ecma(json.loads(path.read_text("utf-8")), format_checker=_FORMATS)


def agree(names: tuple[str, ...], message: Any, *, taken: bool) -> None:
    """Raises AssertionError where a schema and a reader differ about a message that was parsed."""
    if not has_surrogate(message):
        by_schema = any(_schema(name).is_valid(message) for name in names)
        assert by_schema == taken, "schema and reader disagree"


def has_surrogate(message: Any) -> bool:
    return re.search("[\ud800-\udfff]", json.dumps(message, ensure_ascii=False, default=repr)) is not None
