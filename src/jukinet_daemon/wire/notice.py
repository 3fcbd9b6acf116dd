"""通知の電文: the notices of each register as strict models, and their reading into domain values."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from jukinet_daemon.domain import outcomes
from jukinet_daemon.domain.change import Cause, Change
from jukinet_daemon.domain.dates import Era
from jukinet_daemon.domain.notice import ChangeNotice, DepartureNotice, Notice, Person, Sex
from jukinet_daemon.domain.outcomes import Outcome
from jukinet_daemon.domain.register import Finding
from jukinet_daemon.wire.text import (
    AddressText,
    AreaCode,
    DateText,
    Duplicated,
    GaijiCount,
    IndividualNumber,
    NameText,
    NoticeId,
    RecordKey,
    ResidentCode,
)


class Message(BaseModel):
    """Base of everything on the wire: strict types, nothing unknown, nothing changed after reading."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Nothing: what came over the wire never prints."""
        return iter(())


class NoticeMessage(Message):
    """Base of the notices: each knows what it says in the domain's words."""

    def to_domain(self) -> Notice:
        """The notice as a domain value."""
        raise NotImplementedError


# Looking a member up takes a tenth of the time of calling its class.
_ERAS: Mapping[str, Era] = MappingProxyType({era.value: era for era in Era})
_SEXES: Mapping[str, Sex] = MappingProxyType({sex.value: sex for sex in Sex})
_CHANGES: Mapping[str, Change] = MappingProxyType({change.value: change for change in Change})
_CAUSES: Mapping[str, Cause] = MappingProxyType({cause.value: cause for cause in Cause})


class PersonBase(Message):
    """The items both registers notify."""

    name: NameText | None = Field(default=None, description="氏名")
    name_kana: NameText | None = Field(default=None, description="氏名の振り仮名")
    date_of_birth: DateText = Field(description="生年月日 (8文字, 西暦)")
    birth_era: Literal[tuple(era.value for era in Era)] | None = Field(  # type: ignore[valid-type]
        default=None, description="生年月日の元号。西暦で記載された人 (外国人住民) は空欄"
    )
    sex: Literal["male", "female"] | None = Field(default=None, description="性別")
    address: AddressText | None = Field(default=None, description="住所")
    address_area: AreaCode | None = Field(default=None, description="住所の団体コード")
    name_gaiji: GaijiCount = Field(default=0, description="氏名の外字数")
    address_gaiji: GaijiCount = Field(default=0, description="住所の外字数")


class JukiPerson(PersonBase):
    """本人確認情報 (法30条の6第1項, 令30条の14第8項, 30条の16第7項)."""

    resident_code: ResidentCode | None = Field(default=None, description="住民票コード")
    individual_number: IndividualNumber | None = Field(default=None, description="個人番号")
    former_family_name: NameText | None = Field(default=None, description="旧氏")
    former_family_name_kana: NameText | None = Field(default=None, description="旧氏の振り仮名")
    alias: NameText | None = Field(default=None, description="通称 (外国人住民)")

    def to_domain(self) -> Person:
        """The items as a domain value."""
        return Person(
            resident_code=self.resident_code,
            individual_number=self.individual_number,
            name=self.name,
            name_kana=self.name_kana,
            former_family_name=self.former_family_name,
            former_family_name_kana=self.former_family_name_kana,
            alias=self.alias,
            date_of_birth=self.date_of_birth,
            birth_era=self.birth_era and _ERAS[self.birth_era],
            sex=self.sex and _SEXES[self.sex],
            address=self.address,
            address_area=self.address_area,
            name_gaiji=self.name_gaiji,
            address_gaiji=self.address_gaiji,
        )


class FuhyoPerson(PersonBase):
    """附票本人確認情報 (法30条の41第1項). No 個人番号, no 本籍."""

    resident_code: ResidentCode | None = Field(default=None, description="住民票コード。記載のないことがある")
    overseas: bool = Field(default=False, description="国外転出者である旨 (住所に代わる)")

    def to_domain(self) -> Person:
        """The items as a domain value; what a 附票 does not have stays blank."""
        return Person(
            resident_code=self.resident_code,
            name=self.name,
            name_kana=self.name_kana,
            date_of_birth=self.date_of_birth,
            birth_era=self.birth_era and _ERAS[self.birth_era],
            sex=self.sex and _SEXES[self.sex],
            address=self.address,
            address_area=self.address_area,
            overseas=self.overseas,
            name_gaiji=self.name_gaiji,
            address_gaiji=self.address_gaiji,
        )


class JukiChange(NoticeMessage):
    """本人確認情報の通知 (法30条の6第1項, 令30条の5)."""

    kind: Literal["change"] = Field(description="通知の種類")
    id: NoticeId = Field(description="通知番号 (送信者が採番するUUID)")
    area: AreaCode = Field(description="住民票のある市区町村の団体コード")
    record_key: RecordKey | None = Field(default=None, description="送信者の記録番号")
    change: Literal["entry", "deletion", "correction", "number_correction", "code_correction"] = Field(
        description="異動区分"
    )
    cause: Literal[tuple(cause.value for cause in Cause)] = Field(description="事由 (規則11条)")  # type: ignore[valid-type]
    event_date: DateText = Field(description="事由が生じた年月日。転出届による消除は転出の予定年月日")
    foreign: bool = Field(default=False, description="外国人住民に係る住民票である (令30条の21)")
    person: JukiPerson
    previous_number: IndividualNumber | None = Field(default=None, description="修正前の個人番号")
    previous_code: ResidentCode | None = Field(default=None, description="修正前の住民票コード")

    def to_domain(self) -> ChangeNotice:
        """The notice as a domain value."""
        return ChangeNotice(
            id=self.id,
            area=self.area,
            record_key=self.record_key,
            change=_CHANGES[self.change],
            cause=_CAUSES[self.cause],
            event_date=self.event_date,
            foreign=self.foreign,
            person=self.person.to_domain(),
            previous_code=self.previous_code,
            previous_number=self.previous_number,
        )


class Departure(NoticeMessage):
    """転出確定通知 (令13条3項・4項)."""

    kind: Literal["departure"] = Field(description="通知の種類")
    id: NoticeId = Field(description="通知番号 (送信者が採番するUUID)")
    area: AreaCode = Field(description="転出した市区町村の団体コード")
    resident_code: ResidentCode = Field(description="住民票コード")
    event_date: DateText = Field(description="転入をした年月日")

    def to_domain(self) -> DepartureNotice:
        """The notice as a domain value."""
        return DepartureNotice(self.id, self.area, self.resident_code, self.event_date)


class FuhyoChange(NoticeMessage):
    """附票本人確認情報の通知 (法30条の41第1項, 令30条の12の3). It has no 事由."""

    kind: Literal["change"] = Field(description="通知の種類")
    id: NoticeId = Field(description="通知番号 (送信者が採番するUUID)")
    area: AreaCode = Field(description="戸籍の附票のある市区町村の団体コード")
    record_key: RecordKey | None = Field(
        default=None, description="送信者の記録番号。住民票コードのない人には必要"
    )
    change: Literal["entry", "deletion", "correction", "code_correction"] = Field(description="異動区分")
    event_date: DateText = Field(description="記載等の年月日")
    person: FuhyoPerson
    previous_code: ResidentCode | None = Field(default=None, description="修正前の住民票コード")

    def to_domain(self) -> ChangeNotice:
        """The notice as a domain value."""
        return ChangeNotice(
            id=self.id,
            area=self.area,
            record_key=self.record_key,
            change=_CHANGES[self.change],
            cause=None,
            event_date=self.event_date,
            foreign=False,
            person=self.person.to_domain(),
            previous_code=self.previous_code,
            previous_number=None,
        )


NOTICES: Mapping[str, Mapping[str, type[NoticeMessage]]] = MappingProxyType(
    {"juki": {"change": JukiChange, "departure": Departure}, "fuhyo": {"change": FuhyoChange}}
)
_ADAPTERS = {
    register: {kind: TypeAdapter(model) for kind, model in models.items()}
    for register, models in NOTICES.items()
}
_PROBLEMS: Mapping[str, Outcome] = MappingProxyType(
    {"extra_forbidden": outcomes.UNKNOWN_FIELD, "missing": outcomes.MISSING_FIELD}
)
_FIELD_NAME_LENGTH = 64


def read_notice(register: str, raw: Any) -> Notice | Finding:
    """Reads one notice of a register from parsed JSON; a Finding names the first field that is wrong."""
    if not isinstance(raw, dict):
        return Finding(outcomes.MALFORMED, "")
    doubled = _duplicate_in(raw)
    if doubled is not None:
        return Finding(outcomes.DUPLICATE_FIELD, doubled)
    kind = raw.get("kind")
    adapter = _ADAPTERS[register].get(kind) if isinstance(kind, str) else None
    if adapter is None:
        return Finding(outcomes.KIND_NOT_TAKEN if "kind" in raw else outcomes.MISSING_FIELD, "kind")
    try:
        return adapter.validate_python(raw).to_domain()
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_input=False, include_context=False)[0]
        outcome = _PROBLEMS.get(first["type"], outcomes.MALFORMED)
        return Finding(outcome, _field_name(first["loc"]))


def _duplicate_in(raw: dict[str, Any]) -> str | None:
    for name, part in (("", raw), ("person.", raw.get("person"))):
        if isinstance(part, Duplicated):
            return _safe(name + part.field)
    return None


def _field_name(location: tuple[int | str, ...]) -> str:
    return _safe(".".join(str(step) for step in location))


def _safe(name: str) -> str:
    """A field name as we may print it: a sender can put anything in a name, even a person's."""
    plain = name.replace("_", "").replace(".", "")
    return name if plain.isascii() and plain.isalpha() and len(name) <= _FIELD_NAME_LENGTH else "(?)"
