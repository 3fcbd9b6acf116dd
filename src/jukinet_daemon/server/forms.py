"""操作の書式: what an operator asks for, out of a path, a query or a body; each fault is a sentence."""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from jukinet_daemon.ops.bridge_request import LONGEST_KEY, MOST_KEYS, CaseFault
from jukinet_daemon.ops.held import Reason
from jukinet_daemon.ops.operator import OperatorFault
from jukinet_daemon.vault.age import LEAST_PASSWORD, MOST_PASSWORD
from jukinet_daemon.wire.bridge import Account, Word
from jukinet_daemon.wire.parcel import MAX_PARCEL_NUMBER
from jukinet_daemon.wire.text import JsonFault, notice_id_in, read_json


class _Form(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)


class CaseForm(_Form):
    """An office's request for a case."""

    office: Word
    affair: Word
    basis: Word
    approved_by: Account


class KeysForm(_Form):
    """Lines of an office's list; `first` is the number of the first."""

    first: Annotated[int, Field(ge=1, le=10_000_000)]
    keys: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=LONGEST_KEY)]],
        Field(min_length=1, max_length=MOST_KEYS),
    ]


class DeliveryForm(_Form):
    """What the delivery of a case is sealed with."""

    password: Annotated[str, Field(min_length=LEAST_PASSWORD, max_length=MOST_PASSWORD, repr=False)]


_FORMS = (CaseForm, KeysForm, DeliveryForm)
_F = TypeVar("_F", bound=_Form)
_ADAPTERS: dict[type[_Form], TypeAdapter[Any]] = {form: TypeAdapter(form) for form in _FORMS}
_FIELDS = {name for form in _FORMS for name in form.model_fields}


def form_in(form: type[_F], body: bytes) -> _F:
    """The form of a body. Raises CaseFault, which names the field."""
    try:
        read: _F = _ADAPTERS[form].validate_python(read_json(body))
    except JsonFault:
        raise CaseFault("JSON でない / not JSON") from None
    except ValidationError as invalid:
        where = invalid.errors(include_url=False, include_input=False, include_context=False)[0]["loc"]
        field = str(where[0]) if where and where[0] in _FIELDS else "?"
        raise CaseFault(f"{field}: 形式が違う / wrong form") from None
    return read


def notice_in(text: str) -> str:
    """The id of a notice. Raises OperatorFault."""
    if notice_id_in({"id": text}) is None:
        raise OperatorFault("通知番号の形でない / not a notice id")
    return text


def case_in(text: str) -> str:
    """The id of a case. Raises CaseFault."""
    if notice_id_in({"id": text}) is None:
        raise CaseFault("事案の番号の形でない / not a case id")
    return text


def reason_in(text: str) -> Reason:
    """Why a held notice is rejected. Raises OperatorFault."""
    try:
        return Reason(text)
    except ValueError:
        raise OperatorFault(f"理由は {', '.join(Reason)} のどれか / a reason is one of these") from None


def number_in(text: str) -> int:
    """A parcel number. Raises OperatorFault."""
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) <= MAX_PARCEL_NUMBER):
        raise OperatorFault("電文番号の形でない / not a parcel number")
    return int(text)


def apply_in(text: str) -> bool:
    """Whether it is to be done. Raises OperatorFault."""
    if text not in ("true", "false"):
        raise OperatorFault("apply は true か false / apply is true or false")
    return text == "true"
