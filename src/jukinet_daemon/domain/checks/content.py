"""Checks of what a notice contains in its case (令30条の5, 令30条の12の3)."""

from collections.abc import Mapping

from jukinet_daemon.domain import outcomes
from jukinet_daemon.domain.change import PLANNED_DATE_CAUSES, Cause, Change
from jukinet_daemon.domain.dates import date_range
from jukinet_daemon.domain.notice import ChangeNotice, DepartureNotice, Notice
from jukinet_daemon.domain.register import Check, Finding, Setting
from jukinet_daemon.domain.wareki import era_fits


def area_is_the_senders(notice: Notice, setting: Setting) -> Finding | None:
    """A municipality writes only its own registers (法30条の6第1項, 30条の41第1項)."""
    if setting.areas.may_write(setting.sender, notice.area):
        return None
    return Finding(outcomes.AREA_NOT_YOURS, "area")


def cause_belongs_to(causes: Mapping[Change, frozenset[Cause]]) -> Check:
    """The check that a cause is one of those listed for the change, or absent where none is (規則11条)."""

    def check(notice: Notice, _setting: Setting) -> Finding | None:
        if isinstance(notice, DepartureNotice):
            return None
        if notice.change not in causes:
            return Finding(outcomes.KIND_NOT_TAKEN, "change")
        listed: frozenset[Cause | None] = frozenset(causes[notice.change]) or frozenset({None})
        return None if notice.cause in listed else Finding(outcomes.CAUSE_NOT_OF_CHANGE, "cause")

    return check


def previous_only_in_its_correction(notice: Notice, _setting: Setting) -> Finding | None:
    """A previous number or code is notified on the correction of that item alone (令30条の5四号・五号)."""
    if isinstance(notice, DepartureNotice):
        return None
    if notice.previous_number and notice.change is not Change.NUMBER_CORRECTION:
        return Finding(outcomes.PREVIOUS_NOT_OF_CHANGE, "previous_number")
    if notice.previous_code and notice.change is not Change.CODE_CORRECTION:
        return Finding(outcomes.PREVIOUS_NOT_OF_CHANGE, "previous_code")
    return None


def code_is_there(notice: Notice, _setting: Setting) -> Finding | None:
    """本人確認情報 always carries the 住民票コード (法30条の6第1項, 7条13号)."""
    if isinstance(notice, ChangeNotice) and not notice.person.resident_code:
        return Finding(outcomes.CODE_MISSING, "person.resident_code")
    return None


def person_is_named(notice: Notice, _setting: Setting) -> Finding | None:
    """Where the 住民票コード may be missing, the sender's record key must be there (令30条の12の3四号)."""
    if isinstance(notice, ChangeNotice) and not (notice.person.resident_code or notice.record_key):
        return Finding(outcomes.PERSON_NOT_NAMED, "record_key")
    return None


def foreign_items(notice: Notice, _setting: Setting) -> Finding | None:
    """振り仮名 and 旧氏 need a 戸籍 (法30条の45, 令30条の13); 通称 is a foreign resident's (令30条の16)."""
    if isinstance(notice, DepartureNotice):
        return None
    person = notice.person
    if not notice.foreign:
        return Finding(outcomes.ONLY_FOR_FOREIGN, "person.alias") if person.alias else None
    for field in ("name_kana", "former_family_name", "former_family_name_kana"):
        if getattr(person, field):
            return Finding(outcomes.NOT_FOR_FOREIGN, f"person.{field}")
    return None


def address_is_there(notice: Notice, _setting: Setting) -> Finding | None:
    """住所 may not be blank (法7条7号)."""
    if isinstance(notice, ChangeNotice) and not notice.person.address:
        return Finding(outcomes.ADDRESS_MISSING, "person.address")
    return None


def no_address_overseas(notice: Notice, _setting: Setting) -> Finding | None:
    """A 附票 shows no address beside 国外転出者である旨 (法17条3号).

    It may show neither: 国外転出者 is only who moved by a 国外転出届. One who was born abroad has a 附票
    and may have been in no register since (令和元年法律第16号附則4条3項・9項).
    """
    if isinstance(notice, DepartureNotice):
        return None
    person = notice.person
    if person.overseas:
        field = "address" if person.address else "address_area" if person.address_area else None
        return Finding(outcomes.ADDRESS_AND_OVERSEAS, f"person.{field}") if field else None
    return address_is_there(notice, _setting) if person.address_area else None


def era_fits_birth(notice: Notice, _setting: Setting) -> Finding | None:
    """An era that does not fit the 生年月日 is remarked upon; nothing is repaired."""
    if isinstance(notice, DepartureNotice) or notice.person.birth_era is None:
        return None
    fits = era_fits(notice.person.birth_era, notice.person.date_of_birth)
    return None if fits else Finding(outcomes.ERA_DOUBTFUL, "person.birth_era")


def date_not_ahead(notice: Notice, setting: Setting) -> Finding | None:
    """An 異動年月日 lies in the past, but for the planned date of a 転出届 (令30条の5二号)."""
    planned = isinstance(notice, ChangeNotice) and notice.cause in PLANNED_DATE_CAUSES
    span = None if planned else date_range(notice.event_date)
    if span is None or span[0] <= setting.today:
        return None
    return Finding(outcomes.DATE_AHEAD, "event_date")


# 令8条の2: 帰化等は外国人住民の住民票を消除して日本人の住民票を記載し、国籍喪失はその逆.
_FOREIGN_BY_CAUSE = {
    Cause.ENTRY_BY_NATURALIZATION: False,
    Cause.DELETION_BY_NATURALIZATION: True,
    Cause.ENTRY_BY_NATIONALITY_LOSS: True,
    Cause.DELETION_BY_NATIONALITY_LOSS: False,
}


def nationality_fits_cause(notice: Notice, _setting: Setting) -> Finding | None:
    """帰化 and 国籍喪失 say themselves whose 住民票 they are about (令8条の2)."""
    if isinstance(notice, DepartureNotice) or notice.cause is None:
        return None
    fits = _FOREIGN_BY_CAUSE.get(notice.cause, notice.foreign) == notice.foreign
    return None if fits else Finding(outcomes.NATIONALITY_NOT_OF_CAUSE, "foreign")


def correction_corrects(notice: Notice, _setting: Setting) -> Finding | None:
    """A correction of the number or code changes it (令30条の5四号・五号, 令30条の12の3四号)."""
    if isinstance(notice, DepartureNotice):
        return None
    person = notice.person
    if notice.change is Change.NUMBER_CORRECTION and person.individual_number == notice.previous_number:
        return Finding(outcomes.NOTHING_CHANGED, "person.individual_number")
    if notice.change is Change.CODE_CORRECTION and person.resident_code == notice.previous_code:
        return Finding(outcomes.NOTHING_CHANGED, "person.resident_code")
    return None
