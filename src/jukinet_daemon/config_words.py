"""設定の誤りの言葉: what is wrong with a value of the configuration, never the value itself."""

from collections.abc import Mapping
from types import MappingProxyType

from pydantic_core import ErrorDetails

_TABLE = "表 [...] でない / must be a table"
_TEXT = "文字列でない / must be text"
_WHOLE = "整数でない / must be a whole number"
_NUMBER = "数でない / must be a number"
_SWITCH = "true か false でない / must be true or false"
_LIST = "[...] の並びでない / must be a list"
_TIME = "時刻でない (例 08:30) / must be a time, such as 08:30"
_DATE = "日付でない (例 2026-11-28) / must be a date, such as 2026-11-28"

# By the type of error as pydantic names it; what stands in braces is its context.
_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "missing": "書かれていない。必要な項目 / is missing",
        "extra_forbidden": "この名の項目はない。綴りを確かめる / there is no such key",
        "literal_error": "{expected} のどれかでない / must be {expected}",
        "greater_than_equal": "{ge} 以上でない / must be at least {ge}",
        "greater_than": "{gt} より大きくない / must be above {gt}",
        "less_than_equal": "{le} 以下でない / must be at most {le}",
        "less_than": "{lt} 未満でない / must be below {lt}",
        "too_short": "{min_length} 個以上でない / must have at least {min_length}",
        "too_long": "{max_length} 個以下でない / must have at most {max_length}",
        "finite_number": _NUMBER,
        **dict.fromkeys(("string_type", "path_type"), _TEXT),
        **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), _WHOLE),
        **dict.fromkeys(("float_type", "float_parsing"), _NUMBER),
        **dict.fromkeys(("bool_type", "bool_parsing"), _SWITCH),
        **dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), _TABLE),
        **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), _LIST),
        **dict.fromkeys(("time_type", "time_parsing"), _TIME),
        **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing"), _DATE),
    }
)
# The forms a text must have. A pattern says nothing to whoever writes a configuration.
FORMS: Mapping[str, str] = MappingProxyType(
    {
        r"^[0-9]{6}$": "数字 6 桁でない / must be 6 digits",
        r"^[A-Za-z0-9_-]{43}$": "指紋 (base64url 43 文字) でない / must be a thumbprint: 43 of base64url",
        r"^[A-Za-z0-9+/]{43}=$": "公開鍵 (base64 で 32 バイト) でない / must be 32 bytes in base64",
        r"^postgres(ql)?://": "postgresql:// で始まらない / must begin with postgresql://",
        r"^wss://": "wss:// で始まらない / must begin with wss://",
        r"^https://": "https:// で始まらない / must begin with https://",
        r"^[a-z0-9.-]+$": "英小文字、数字、. と - だけでない / must be of a to z, digits, . and -",
    }
)


def in_words(error: ErrorDetails) -> str:
    """One problem that pydantic found, with the key it is about."""
    key = ".".join(str(step) for step in error["loc"])
    return f"{key}: {_told(error)}" if key else _told(error)


def _told(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    if error["type"] == "value_error":  # one of our own
        return str(context["error"])
    if error["type"] == "string_pattern_mismatch":
        return FORMS.get(context["pattern"], "形が正しくない / has another form")
    words = _WORDS.get(error["type"], f"正しくない / {error['msg']}")
    return words.format_map(context)
