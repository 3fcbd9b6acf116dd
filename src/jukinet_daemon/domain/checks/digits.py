"""Checks of check digits."""

from jukinet_daemon.domain import outcomes
from jukinet_daemon.domain.identifiers import is_area_code, is_individual_number, is_resident_code
from jukinet_daemon.domain.notice import ChangeNotice, DepartureNotice, Notice
from jukinet_daemon.domain.register import Finding, Setting, Strictness


def number_digit(notice: Notice, _setting: Setting) -> Finding | None:
    """個人番号 and the previous one carry the check digit of 個人番号等に関する命令5条."""
    if isinstance(notice, DepartureNotice):
        return None
    for field, number in (
        ("person.individual_number", notice.person.individual_number),
        ("previous_number", notice.previous_number),
    ):
        if number and not is_individual_number(number):
            return Finding(outcomes.NUMBER_CHECK_DIGIT, field)
    return None


def code_digit(notice: Notice, setting: Setting) -> Finding | None:
    """住民票コード: the formula is inferred, so the house decides how a misfit is taken (規則1条)."""
    if setting.code_check is Strictness.OFF:
        return None
    misfit = next((field for field, code in _codes(notice) if code and not is_resident_code(code)), None)
    if misfit is None:
        return None
    refused = setting.code_check is Strictness.REFUSE
    return Finding(outcomes.CODE_CHECK_DIGIT if refused else outcomes.CODE_DOUBTFUL, misfit)


def _codes(notice: Notice) -> tuple[tuple[str, str | None], ...]:
    if isinstance(notice, DepartureNotice):
        return (("resident_code", notice.resident_code),)
    return (("person.resident_code", notice.person.resident_code), ("previous_code", notice.previous_code))


def address_area_digit(notice: Notice, _setting: Setting) -> Finding | None:
    """The 団体コード of an address carries its check digit."""
    area = notice.person.address_area if isinstance(notice, ChangeNotice) else None
    if area is None or is_area_code(area):
        return None
    return Finding(outcomes.AREA_CHECK_DIGIT, "person.address_area")
