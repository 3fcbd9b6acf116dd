"""The view `shared_number`: two residents with one 個人番号, and nobody whose record is past (ADR 0009)."""

from collections.abc import Callable
from typing import Any

from support.notices import individual_number, juki_change, resident_code
from support.store import Bench, bench, outcomes, session
from support.world import KITAKYUSHU

MOJI = "401013"


async def tell(desk: Bench, *notices: dict[str, Any], sender: str = "401307") -> None:
    assert outcomes(await desk.receive(*notices, sender=sender)) == ["ACCEPTED"] * len(notices)


async def test_only_what_holds_good_now_is_compared(new_database: Callable[[str], str]) -> None:
    dsn = new_database("juki")
    async with bench(dsn) as desk, session(dsn) as owner:

        async def shared() -> list[tuple[list[int], list[str]]]:
            rows = await owner.fetch("SELECT people, areas FROM shared_number")
            return [(row["people"], row["areas"]) for row in rows]

        one, other, numbers = juki_change(), juki_change(), [individual_number() for _ in range(2)]
        mine, code = one["person"]["individual_number"], one["person"]["resident_code"]
        # Many have no number yet: a blank is shared by nobody.
        blank = [juki_change(person={"individual_number": ...}) for _ in range(2)]
        await tell(desk, one, other, *blank)
        assert await shared() == []

        # The same person at two places: the move-in came before the move-out.
        await tell(desk, one | {"id": juki_change()["id"], "area": MOJI}, sender=KITAKYUSHU)
        assert await shared() == []

        second = juki_change(person={"individual_number": mine, "resident_code": resident_code()})
        await tell(desk, second)
        found = await owner.fetch(
            "SELECT person_id FROM person_key WHERE value = ANY ($1) ORDER BY person_id",
            [code, second["person"]["resident_code"]],
        )
        assert await shared() == [([row["person_id"] for row in found], [MOJI, second["area"]])]

        # Corrected: what the history still has of it is past.
        correction = {"change": "number_correction", "cause": "number_correction_ex_officio"}
        changed = second["person"] | {"individual_number": numbers[0]}
        await tell(desk, juki_change(**correction, previous_number=mine, person=changed))
        assert await shared() == []

        # Of one who is dead the 消除 holds good, and shows the number he had.
        taken = other["person"]["individual_number"]
        third = juki_change(person={"individual_number": taken, "resident_code": resident_code()})
        await tell(desk, third)
        assert len(await shared()) == 1
        await tell(desk, juki_change(change="deletion", cause="death", person=third["person"]))
        assert await shared() == []


async def test_no_role_of_the_program_reads_it(new_database: Callable[[str], str]) -> None:
    rights = (
        "SELECT bool_or(has_table_privilege(rolname, 'shared_number', 'SELECT')) FROM pg_roles"
        r" WHERE rolname LIKE 'jukinet\_%'"
    )
    async with session(new_database("juki")) as owner:
        assert await owner.fetchval(rights) is False
        await owner.execute("GRANT SELECT ON shared_number TO jukinet_status")
        assert await owner.fetchval(rights) is True
