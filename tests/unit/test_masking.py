"""No value that carries personal data shows any of it when it is printed, by whichever way."""

import pprint
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

import pytest

from jukinet_daemon.domain import outcomes
from jukinet_daemon.domain.decide import Decision, Subject
from jukinet_daemon.domain.notice import ChangeNotice, Key, KeyKind, keys_of
from jukinet_daemon.domain.person import unknown_person
from jukinet_daemon.domain.record import Record
from jukinet_daemon.ledger.leaf import leaf_of
from jukinet_daemon.service.batch import Item
from jukinet_daemon.service.lanes import Answer, Arrival
from jukinet_daemon.store.inbox import Entry, InboxRow, Known, ParcelRow
from jukinet_daemon.store.outbox import Outgoing
from jukinet_daemon.vault.keyring import Keyring
from jukinet_daemon.wire.notice import JukiChange, read_notice
from jukinet_daemon.wire.parcel import Parcel
from support.notices import departure, juki_change

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SECRETS = {
    "resident_code": "24727059608",
    "individual_number": "379474484458",
    "name": "秘密太郎",
    "name_kana": "ヒミツタロウ",
    "former_family_name": "旧秘密",
    "former_family_name_kana": "キュウヒミツ",
    "date_of_birth": "19031231",
    "address": "秘密県秘密市秘密町一丁目",
}
OTHER_SECRETS = {"previous_code": "24846016224", "previous_number": "454972364860"}
RAW = juki_change(change="code_correction", cause="code_change_request", person=SECRETS, **OTHER_SECRETS)
RAW_BYTES = b"379474484458"
NOTICE = read_notice("juki", RAW)
assert isinstance(NOTICE, ChangeNotice)
DEPARTURE = read_notice("juki", departure(resident_code=SECRETS["resident_code"]))
PARCEL = Parcel("juki", "401307", 1, (RAW,))
ARRIVAL = Arrival(PARCEL, "signed-379474484458", "digest", "thumbprint", NOW)
LEAF = leaf_of("salted 379474484458", RAW_BYTES)
INBOX_ROW = InboxRow("id", "401307", 1, b"", outcomes.OutcomeClass.HELD, "H200", "379474484458")
RECORD = Record(NOTICE, 1, 1, date(2026, 11, 23))
DECISION = Decision(outcomes.APPLIED, new_keys=keys_of(NOTICE))
ENTRY = Entry(DECISION, NOTICE, INBOX_ROW, LEAF, RAW_BYTES, "401307", date(2026, 11, 23))
ITEM = Item(ARRIVAL, 1, 0, "id", NOTICE, RAW_BYTES, b"", keys_of(NOTICE))

WAYS: dict[str, Callable[[object], str]] = {
    "repr": repr,
    "str": str,
    "format": lambda value: f"{value}",
    "percent": lambda value: "%s %r" % (value, value),  # noqa: UP031 - as logging does
    "in a list": lambda value: str([value]),
    "pprint": pprint.pformat,
}
CARRIERS: dict[str, object] = {
    "person": NOTICE.person,
    "notice": NOTICE,
    "departure": DEPARTURE,
    "key": Key(KeyKind.CODE, SECRETS["resident_code"]),
    "subject": Subject(unknown_person(1), keys_of(NOTICE)),
    "decision": DECISION,
    "record": RECORD,
    "outgoing": Outgoing(1, RECORD),
    "leaf": LEAF,
    "answer": Answer("379474484458", "A100"),
    "inbox row": INBOX_ROW,
    "entry": ENTRY,
    "known": Known({}, {key: unknown_person(1) for key in keys_of(NOTICE)}),
    "parcel row": ParcelRow(1, "401307", 1, "digest", "thumbprint", RAW_BYTES, NOW, RAW_BYTES, (), ()),
    "keyring": Keyring({1: b"379474484458"}, 1, b"379474484458"),
}
BARE: dict[str, object] = {
    "parcel": PARCEL,
    "arrival": ARRIVAL,
    "item": ITEM,
    "message": JukiChange.model_validate(RAW),
}
ALL_SECRETS = [*SECRETS.values(), *OTHER_SECRETS.values()]


def shown(text: str) -> list[str]:
    return [secret for secret in ALL_SECRETS if secret in text]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("carrier", CARRIERS)
def test_nothing_personal_is_printed(carrier: str, way: str) -> None:
    assert shown(WAYS[way](CARRIERS[carrier])) == []


@pytest.mark.parametrize("carrier", BARE)
def test_nothing_personal_is_printed_of_what_was_just_read(carrier: str) -> None:
    assert shown(repr(BARE[carrier])) == []


def test_the_secrets_of_this_test_are_really_in_the_values() -> None:
    # Were one not there, the tests above would pass for nothing.
    carried: Any = asdict(RECORD)
    text = str(carried)
    assert [secret for secret in ALL_SECRETS if secret not in text] == []
