"""Two residents with one 個人番号 are found and told of, and nobody whose record is past is (ADR 0009)."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from conftest import HouseMaker
from jukinet_daemon.daemon.serve import Daemon
from jukinet_daemon.loops.shared_numbers import SharedNumberLoop
from jukinet_daemon.schemas import read_areas
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.service.shared_numbers import (
    MOST_HOLDERS,
    MOST_KEPT,
    MOST_TOLD,
    SharedNumbers,
    shared_number_problems,
)
from jukinet_daemon.store.pool import open_database
from jukinet_daemon.store.shared_numbers import SharedNumberStore
from support.notices import individual_number, juki_change, resident_code
from support.store import CLOCK, Bench, bench, outcomes, session
from support.wellness import metrics_of, problem, report_of, well
from support.world import KITAKYUSHU, House, Pki, config_for, write_keyring

MOJI = "401013"
Maker = Callable[[str], str]
Notice = dict[str, Any]


async def tell(desk: Bench, *notices: Notice, sender: str = "401307") -> None:
    assert outcomes(await desk.receive(*notices, sender=sender)) == ["ACCEPTED"] * len(notices)


def same_number(notice: Notice, **also: Any) -> Notice:
    """An entry of somebody else with the number of the first."""
    number = notice["person"]["individual_number"]
    return juki_change(person={"individual_number": number, "resident_code": resident_code()}, **also)


def corrected(notice: Notice) -> Notice:
    """The number of an entry is set right."""
    person = notice["person"]
    return juki_change(
        change="number_correction",
        cause="number_correction_ex_officio",
        previous_number=person["individual_number"],
        area=notice["area"],
        person=person | {"individual_number": individual_number()},
    )


def of_moji(notice: Notice) -> Notice:
    return notice | {"id": juki_change()["id"], "area": MOJI}


async def test_only_what_holds_good_now_is_compared(new_database: Maker) -> None:
    dsn = new_database("juki")
    async with bench(dsn) as desk, session(dsn) as owner:

        async def shared() -> list[list[int]]:
            return [row["people"] for row in await owner.fetch("SELECT people FROM shared_number")]

        one, other = juki_change(), juki_change()
        # Many have no number yet: a blank is shared by nobody.
        blank = [juki_change(person={"individual_number": ...}) for _ in range(2)]
        await tell(desk, one, other, *blank)
        assert await shared() == []

        # The same person at two places: the move-in came before the move-out.
        await tell(desk, of_moji(one), sender=KITAKYUSHU)
        assert await shared() == []

        second = same_number(one)
        await tell(desk, second)
        found = await owner.fetch(
            "SELECT person_id FROM person_key WHERE value = ANY ($1) ORDER BY person_id",
            [one["person"]["resident_code"], second["person"]["resident_code"]],
        )
        assert await shared() == [[row["person_id"] for row in found]]

        # Corrected: what the history still has of it is past.
        await tell(desk, corrected(second))
        assert await shared() == []

        # Of one who is dead the 消除 holds good, and shows the number he had.
        third = same_number(other)
        await tell(desk, third)
        assert len(await shared()) == 1
        await tell(desk, juki_change(change="deletion", cause="death", person=third["person"]))
        assert await shared() == []


@asynccontextmanager
async def stores(dsn: str) -> AsyncIterator[tuple[SharedNumberStore, SharedNumberStore]]:
    """In the role of the watch and in that of health."""
    watch = await open_database(dsn, "juki", "jukinet_watch")
    status = await open_database(dsn, "juki", "jukinet_status")
    try:
        yield SharedNumberStore(watch), SharedNumberStore(status)
    finally:
        await watch.close()
        await status.close()


async def long_ago(owner: asyncpg.Connection, hours: float) -> None:
    moved = "UPDATE shared_number_look SET looked_at = clock_timestamp() - $1 * interval '1 hour'"
    await owner.execute(moved, hours)


async def test_a_look_names_the_notices_until_the_number_is_set_right(new_database: Maker) -> None:
    dsn = new_database("juki")
    async with bench(dsn) as desk, session(dsn) as owner, stores(dsn) as (watch, health):
        one = juki_change()
        second, third = same_number(one), same_number(one)
        await tell(desk, one, second)
        await tell(desk, of_moji(one), sender=KITAKYUSHU)
        assert await health.found() == [], "nobody looked"
        assert await watch.look() == 1
        (pair,) = await health.found()
        assert [holder.area for holder in pair] == [MOJI, second["area"]]
        assert pair[1].notice == second["id"]

        # Whom the newest look did not find is found by the next.
        await tell(desk, third)
        assert [len(holders) for holders in await health.found()] == [2]
        await long_ago(owner, 6.1)
        assert await watch.look() == 1
        assert [len(holders) for holders in await health.found()] == [3]

        # Who is set right is told of no longer, without a look.
        await tell(desk, corrected(third))
        assert [len(holders) for holders in await health.found()] == [2]
        await tell(desk, corrected(second))
        assert await health.found() == []


@pytest.mark.parametrize(("hours", "looks"), [(5.9, False), (6.1, True), (-0.1, True)])
async def test_all_residents_are_looked_at_when_it_is_time(
    new_database: Maker, hours: float, looks: bool
) -> None:
    """Not sooner than after six hours, and at once after the clock was set back."""
    dsn = new_database("juki")
    async with session(dsn) as owner, stores(dsn) as (watch, _):
        await long_ago(owner, hours)
        assert await watch.look() == (0 if looks else None)
        assert await watch.look() is None


async def test_a_number_that_everybody_shows_costs_health_no_more_than_eight_do(new_database: Maker) -> None:
    dsn = new_database("juki")
    async with bench(dsn) as desk, stores(dsn) as (watch, health):
        one = juki_change()
        await tell(desk, one, *(same_number(one) for _ in range(20)))
        assert await watch.look() == 1
        (holders,) = await health.found()
        assert len(holders) == MOST_HOLDERS


async def test_that_nobody_looks_is_told(new_database: Maker) -> None:
    dsn = new_database("juki")
    async with session(dsn) as owner, stores(dsn) as (watch, health):
        metrics = Metrics()
        shared = SharedNumbers(health, read_areas(), CLOCK, metrics)
        await watch.look()
        assert shared_number_problems({"shared_numbers": await shared.part()}) == []
        await long_ago(owner, 12.1)
        (problem,) = shared_number_problems({"shared_numbers": await shared.part()})
        assert problem.endswith("shared numbers are not looked for")
        assert (metrics.registry.get_sample_value("jukinet_shared_numbers_age_seconds") or 0) > 43200


async def test_two_processes_do_not_look_at_once(new_database: Maker) -> None:
    dsn = new_database("juki")
    async with session(dsn) as first, stores(dsn) as (watch, _), first.transaction():
        assert await first.fetchval("SELECT look_for_shared_numbers()") == 0
        assert await watch.look() is None


def test_the_first_are_told_one_by_one_and_the_rest_counted() -> None:
    def problems(groups: int, holders: int = 2) -> list[str]:
        group = [{"name": "福岡市博多区", "area": "401323", "notice": f"n{n}"} for n in range(holders)]
        return shared_number_problems({"shared_numbers": {"found": [group] * groups, "seconds": 43200}})

    assert problems(0) == []
    (only,) = problems(1)
    assert only.startswith(
        "同じ個人番号が 2 人の記録にある: 福岡市博多区 (通知 n0)、福岡市博多区 (通知 n1) /"
    )
    assert "8 以上 人の記録" in problems(1, MOST_HOLDERS)[0]
    *_, last = problems(MOST_TOLD + 2)
    assert last == "同じ個人番号がほか 2 組ある / residents share one 個人番号"
    assert "92 組 以上ある" in problems(MOST_KEPT)[-1]
    assert shared_number_problems({}) == [], "the 附票 server has none"


async def test_an_area_that_is_no_more_is_told_by_its_code(new_database: Maker) -> None:
    dsn = new_database("juki")
    async with bench(dsn) as desk, session(dsn) as owner, stores(dsn) as (watch, health):
        one = juki_change()
        await tell(desk, one, same_number(one))
        await owner.execute("UPDATE history SET area = '409995'")
        assert await watch.look() == 1
        part = await SharedNumbers(health, read_areas(), CLOCK, Metrics()).part()
        assert [holder["name"] for holder in part["found"][0]] == ["409995", "409995"]


async def test_a_database_that_fails_is_looked_at_again(new_database: Maker) -> None:
    dsn = new_database("juki")
    async with session(dsn) as owner, stores(dsn) as (watch, _):
        await owner.execute("REVOKE EXECUTE ON FUNCTION look_for_shared_numbers FROM jukinet_watch")
        with capture_logs() as events:
            await SharedNumberLoop(watch).look()
            await owner.execute("GRANT EXECUTE ON FUNCTION look_for_shared_numbers TO jukinet_watch")
            await SharedNumberLoop(watch).look()
        assert [event["event"] for event in events] == ["shared_numbers_unseen"]


async def test_health_tells_of_it_until_it_is_set_right(
    new_database: Maker, pki: Pki, tmp_path: Path
) -> None:
    dsn, one = new_database("juki"), juki_change()
    second = same_number(one)
    async with bench(dsn) as desk:
        await tell(desk, one, second)
        config = config_for("juki", pki, dsn, write_keyring(tmp_path))
        daemon = Daemon(config)
        with capture_logs() as events:
            await daemon.start()
            try:
                house = House("juki", pki, config, daemon, dsn, tmp_path / "national.ndjson")
                report = await problem(house, f"(通知 {second['id']})")
                assert "jukinet_shared_numbers 1.0" in await metrics_of(house)
                (found,) = report["shared_numbers"]["found"]
                assert [holder["notice"] for holder in found] == [one["id"], second["id"]]
                await tell(desk, corrected(second))
                assert (await well(house))["shared_numbers"]["looked_at"]
                assert "jukinet_shared_numbers 0.0" in await metrics_of(house)
            finally:
                await daemon.stop()
    assert {"event": "numbers_shared", "log_level": "warning", "numbers": 1} in events
    assert one["person"]["individual_number"] not in str((report, events))


async def test_the_fuhyo_server_keeps_no_number_to_share(open_house: HouseMaker) -> None:
    assert "shared_numbers" not in await report_of(await open_house("fuhyo", national=False))


async def test_no_role_of_the_program_reads_whose_numbers_are_alike(new_database: Maker) -> None:
    """Their functions alone do, and these take no number."""
    rights = (
        "SELECT bool_or(has_table_privilege(r.oid, view, 'SELECT')) FROM pg_roles AS r,"
        " unnest('{shared_number, number_in_force, shared_number_found}'::text[]) AS view"
        r" WHERE rolname LIKE 'jukinet\_%'"
    )
    async with session(new_database("juki")) as owner:
        assert await owner.fetchval(rights) is False
        await owner.execute("GRANT SELECT ON shared_number TO jukinet_status")
        assert await owner.fetchval(rights) is True
