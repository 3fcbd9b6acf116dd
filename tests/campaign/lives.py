"""一生: lives to notify: sound ones, some with a notice that is refused or held, some that depart."""

import random
from collections.abc import Iterator
from typing import Any

from support.notices import departure, fuhyo_change, juki_change

Notice = dict[str, Any]


def juki_life(dice: random.Random, area: str) -> list[Notice]:
    """The notices about one person, in order: 記載, some 修正, perhaps one that is wrong, perhaps the end."""
    entry = juki_change(area=area)
    notices = [entry]
    for number in range(dice.randrange(1, 5)):
        address = {"address": f"福岡県{area}番地{number}"}
        notices.append(
            _next(entry, change="correction", cause="change_of_address", person=entry["person"] | address)
        )
    if dice.random() < 0.15:
        # An item that a Japanese person's record does not have: refused, and nothing is changed.
        notices.insert(dice.randrange(1, len(notices) + 1), _next(entry, person={"alias": "通称"}))
    if dice.random() < 0.1:
        # A second 記載 on another day where the record is open: held, and so is all that follows.
        notices.insert(dice.randrange(1, len(notices) + 1), _next(entry, event_date="20261102"))
    if dice.random() < 0.3:
        code = entry["person"]["resident_code"]
        notices.append(departure(area=area, resident_code=code, event_date="20261103"))
        notices.append(_next(entry, change="deletion", cause="domestic_move_out", event_date="20261103"))
    if dice.random() < 0.1:
        # The sender numbers badly: an id of before, with other content.
        notices.append(_next(entry, id=entry["id"], event_date="20261104"))
    return notices


def fuhyo_life(dice: random.Random, area: str) -> list[Notice]:
    """The same of a 戸籍の附票: where its person lives changes, and it may be closed."""
    entry = fuhyo_change(area=area)
    notices = [entry]
    for number in range(dice.randrange(1, 5)):
        address = {"address": f"東京都千代田区番地{number}"}
        notices.append(_next_fuhyo(entry, change="correction", person=entry["person"] | address))
    if dice.random() < 0.15:
        # Where somebody who lives overseas lives is no address: refused.
        overseas = entry["person"] | {"overseas": True}
        notices.insert(dice.randrange(1, len(notices) + 1), _next_fuhyo(entry, person=overseas))
    if dice.random() < 0.1:
        # A second 記載 on another day where the 附票 is open: held, and so is all that follows.
        notices.insert(dice.randrange(1, len(notices) + 1), _next_fuhyo(entry, event_date="20261102"))
    if dice.random() < 0.3:
        notices.append(_next_fuhyo(entry, change="deletion", event_date="20261103"))
    if dice.random() < 0.1:
        notices.append(_next_fuhyo(entry, id=entry["id"], event_date="20261104"))
    return notices


def _next(entry: Notice, **changes: Any) -> Notice:
    return juki_change(area=entry["area"], **{"person": entry["person"], **changes})


def _next_fuhyo(entry: Notice, **changes: Any) -> Notice:
    same = {"area": entry["area"], "record_key": entry["record_key"], "person": entry["person"]}
    return fuhyo_change(**same | changes)


LIVES = {"juki": juki_life, "fuhyo": fuhyo_life}


def lives(seed: str, area: str, register: str = "juki") -> Iterator[list[Notice]]:
    """Lives in one municipality, for ever."""
    dice = random.Random(f"{seed} {area}")
    while True:
        yield LIVES[register](dice, area)
