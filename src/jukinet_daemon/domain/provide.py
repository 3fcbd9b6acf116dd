"""提供の可否: whether an office may be given what it asks for, decided before anything is read.

The list is closed (法30条の25, 30条の44の13): without a listed basis nothing is used and nothing leaves.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from jukinet_daemon.domain.bases import Bases, LegalBasis, NumberBasis
from jukinet_daemon.domain.offices import OfficeAffair, Offices
from jukinet_daemon.domain.outcomes import Outcome, OutcomeClass
from jukinet_daemon.domain.register import Finding


class Item(StrEnum):
    """項目: what a record holds (法30条の6第1項, 30条の41第1項), as an office asks for it."""

    NAME = "name"
    NAME_KANA = "name_kana"
    FORMER_FAMILY_NAME = "former_family_name"
    ALIAS = "alias"
    DATE_OF_BIRTH = "date_of_birth"
    SEX = "sex"
    ADDRESS = "address"
    CHANGE = "change"
    INDIVIDUAL_NUMBER = "individual_number"
    RESIDENT_CODE = "resident_code"


@dataclass(frozen=True, slots=True)
class Scope:
    """What one register has to give: its items, and whether only 国外転出者 are spoken of.

    附票本人確認情報 is used and provided for work about 国外転出者 only (法30条の44の6第1項・2項). Their
    個人番号 is not in it: it is had over the bridge (同条3項), on the same basis.
    """

    register: str
    items: frozenset[Item]
    only_overseas: bool


JUKI_SCOPE = Scope("juki", frozenset(Item), only_overseas=False)
FUHYO_SCOPE = Scope("fuhyo", frozenset(Item) - {Item.FORMER_FAMILY_NAME, Item.ALIAS}, only_overseas=True)
SCOPES: Mapping[str, Scope] = MappingProxyType({"juki": JUKI_SCOPE, "fuhyo": FUHYO_SCOPE})


@dataclass(frozen=True, slots=True)
class ProvisionRequest:
    """What an office asks: codes of office, affair and basis, and the items it wants of each person."""

    office: str
    affair: str
    basis: str
    items: frozenset[Item]


@dataclass(frozen=True, slots=True)
class Provision:
    """What may be given: to whom, why, under which article, which items and no others.

    `number_bases` are the grounds of 番号法9条 where a 個人番号 is among the items, else empty.
    """

    affair: OfficeAffair
    basis: LegalBasis
    number_bases: tuple[NumberBasis, ...]
    article: str
    items: frozenset[Item]
    only_overseas: bool


def _refused(code: str, ja: str, en: str, citation: str, action: str) -> Outcome:
    return Outcome(code, OutcomeClass.REFUSED, ja, en, citation, action)


_CLOSED = "法30条の25第1項, 30条の44の13"
_ASK_REGISTRATION = "所属の利用事務の登録を確かめる"
_ASK_BASIS = "根拠の表を確かめる"

OFFICE_UNKNOWN = _refused(
    "B400", "登録されていない所属である", "the office is not listed", _CLOSED, _ASK_REGISTRATION
)
AFFAIR_NOT_YOURS = _refused(
    "B401", "この所属に登録されていない事務である", "not an affair of this office", _CLOSED, _ASK_REGISTRATION
)
AFFAIR_NOT_NOW = _refused(
    "B402", "事務の登録が有効な日でない", "the affair's entry does not hold today", _CLOSED, _ASK_REGISTRATION
)
AFFAIR_OTHER_BASIS = _refused(
    "B403",
    "この事務に登録された根拠でない",
    "not the basis listed for this affair",
    _CLOSED,
    _ASK_REGISTRATION,
)
BASIS_UNKNOWN = _refused("B410", "根拠の表にない根拠である", "no such basis", _CLOSED, _ASK_BASIS)
BASIS_AHEAD = _refused(
    "B411", "まだ施行されていない根拠である", "the basis does not hold yet", _CLOSED, _ASK_BASIS
)
BASIS_OVER = _refused("B412", "効力を失った根拠である", "the basis no longer holds", _CLOSED, _ASK_BASIS)
REQUESTER_NOT_NAMED = _refused(
    "B413", "根拠が定める者でない", "the basis does not name this organ", _CLOSED, _ASK_BASIS
)
REGISTER_NOT_NAMED = _refused(
    "B414", "このファイルの根拠でない", "not a basis for this register", _CLOSED, _ASK_BASIS
)
NOTHING_ASKED = _refused("B420", "項目が指定されていない", "no item was asked for", _CLOSED, "項目を指定する")
ITEM_NOT_HELD = _refused(
    "B421",
    "このファイルにない項目である",
    "the register has no such item",
    "法30条の6第1項, 30条の41第1項",
    "項目を減らす",
)
CODE_NEVER_LEAVES = _refused(
    "B422",
    "住民票コードは提供できない",
    "a resident code is never given",
    "法30条の15第1項, 30条の44の6第1項",
    "項目を減らす",
)
NUMBER_NOT_PERMITTED = _refused(
    "B423",
    "この根拠では個人番号を提供できない",
    "this basis gives no individual number",
    "法30条の15第1項ただし書・2項ただし書, 番号法9条1項・2項",
    "項目を減らす",
)

REFUSALS: Mapping[str, Outcome] = MappingProxyType(
    {outcome.code: outcome for outcome in tuple(globals().values()) if isinstance(outcome, Outcome)}
)


def may_provide(
    bases: Bases, offices: Offices, scope: Scope, request: ProvisionRequest, today: date
) -> Provision | Finding:
    """Whether a request may be answered from a register today; if not, why, and by which field.

    Reads nothing of anybody. Default is no: every ground must be there.
    """
    affair = _affair(offices, request, today)
    if isinstance(affair, Finding):
        return affair
    basis = _basis(bases, request, affair, today)
    if isinstance(basis, Finding):
        return basis
    numbers = bases.numbers_of(basis, today) if Item.INDIVIDUAL_NUMBER in request.items else ()
    article = basis.articles.get(scope.register)
    if article is None:
        return Finding(REGISTER_NOT_NAMED, "basis")
    if refused := _items_refused(scope, request.items, numbers):
        return Finding(refused, "items")
    return Provision(affair, basis, numbers, article, request.items, scope.only_overseas)


def _affair(offices: Offices, request: ProvisionRequest, today: date) -> OfficeAffair | Finding:
    if not offices.knows(request.office):
        return Finding(OFFICE_UNKNOWN, "office")
    affair = offices.find(request.office, request.affair)
    if affair is None:
        return Finding(AFFAIR_NOT_YOURS, "affair")
    if not affair.term.holds(today):
        return Finding(AFFAIR_NOT_NOW, "affair")
    return affair


def _basis(
    bases: Bases, request: ProvisionRequest, affair: OfficeAffair, today: date
) -> LegalBasis | Finding:
    basis = bases.listed(request.basis)
    if basis is None:
        return Finding(BASIS_UNKNOWN, "basis")
    if basis.term.ahead(today):
        return Finding(BASIS_AHEAD, "basis")
    if basis.term.over(today):
        return Finding(BASIS_OVER, "basis")
    if affair.organ not in basis.organs:
        return Finding(REQUESTER_NOT_NAMED, "basis")
    if affair.basis != basis.code:
        return Finding(AFFAIR_OTHER_BASIS, "basis")
    return basis


def _items_refused(scope: Scope, items: frozenset[Item], numbers: tuple[NumberBasis, ...]) -> Outcome | None:
    if not items:
        return NOTHING_ASKED
    if Item.RESIDENT_CODE in items:
        return CODE_NEVER_LEAVES
    if not items <= scope.items:
        return ITEM_NOT_HELD
    if Item.INDIVIDUAL_NUMBER in items and not numbers:
        return NUMBER_NOT_PERMITTED
    return None
