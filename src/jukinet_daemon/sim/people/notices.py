"""通知: the notices of people, in the form of the wire, and the envelope that says who sends which when."""

from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from jukinet_daemon.domain.change import CAUSE_RULES, Cause, Change
from jukinet_daemon.sim.people.chance import Chance
from jukinet_daemon.sim.people.resident import Resident

RegisterName = Literal["juki", "fuhyo"]
_CHANGE_OF = {rule.cause: rule.change for rule in CAUSE_RULES}


@dataclass(frozen=True, slots=True)
class Posted:
    """A notice on its way.

    `sender` is the municipality that notifies; `at` seconds since the start of the service day; `flaw` is
    None for a sound notice, otherwise a short word for what is wrong with it on purpose.
    """

    register: str
    sender: str
    at: float
    notice: dict[str, Any] = field(repr=False)
    flaw: str | None = None


def notice_id(rng: Chance) -> str:
    """A notice's own number, a version 4 UUID."""
    return str(UUID(int=rng.getrandbits(128), version=4))


def juki_notice(
    rng: Chance, person: Resident, cause: Cause, event_date: str, **previous: str | None
) -> dict[str, Any]:
    """本人確認情報の通知 of a resident as the 住民票 stands (令30条の5); the cause tells the change."""
    return {
        "kind": "change",
        "id": notice_id(rng),
        "area": person.area,
        "change": _CHANGE_OF[cause].value,
        "cause": cause.value,
        "event_date": event_date,
        "foreign": person.foreign,
        "person": _present(
            **_both(person),
            individual_number=person.number,
            former_family_name=person.name.former,
            former_family_name_kana=person.name.former_kana,
            alias=person.name.alias,
        ),
        **_present(**previous),
    }


def fuhyo_notice(
    rng: Chance, person: Resident, change: Change, event_date: str, **previous: str | None
) -> dict[str, Any]:
    """附票本人確認情報の通知 of a person as the 附票 stands (令30条の12の3): no cause, no number."""
    if person.sheet is None:
        raise ValueError("this person has no sheet in the prefecture")
    return {
        "kind": "change",
        "id": notice_id(rng),
        "area": person.sheet.area,
        "record_key": person.sheet.key,
        "change": change.value,
        "event_date": event_date,
        "person": _present(**_both(person), overseas=None if person.home else True),
        **_present(**previous),
    }


def departure_notice(rng: Chance, mover: Resident, event_date: str) -> dict[str, Any]:
    """転出確定通知 of a resident as they left: their area was told of the move-in elsewhere (令13条3項)."""
    return {
        "kind": "departure",
        "id": notice_id(rng),
        "area": mover.area,
        "resident_code": mover.code,
        "event_date": event_date,
    }


def _both(person: Resident) -> dict[str, Any]:
    return {
        "resident_code": person.code,
        "name": person.name.text,
        "name_kana": person.name.kana,
        "date_of_birth": person.birth,
        "birth_era": person.era.value if person.era else None,
        "sex": person.sex.value if person.sex else None,
        "address": person.home.address if person.home else None,
        "address_area": person.home.area if person.home else None,
    }


def _present(**items: Any) -> dict[str, Any]:
    return {item: value for item, value in items.items() if value is not None}
