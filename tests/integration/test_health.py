"""What people, monitors and operators see of a running server."""

import asyncio
import re
import socket
import stat
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from conftest import HouseMaker
from jukinet_daemon.cli.diagnose import findings_in
from jukinet_daemon.cli.status import status_table
from jukinet_daemon.schemas import read_areas
from jukinet_daemon.service.status import LOOK_LIMIT_S, PART_LIMIT_S
from support.notices import departure, fuhyo_change, juki_change
from support.stall import house_on
from support.store import holding, session
from support.wellness import report_of, well
from support.world import FUKUOKA, KITAKYUSHU, House, Pki, postgres, until

# What a metric counts or measures in, as the last word of its name (Prometheus, "Metric and label naming").
UNITS = (
    "seconds|notices|answers|requests|parcels|records|numbers|connections|refused|relayed|erased|leaves"
    "|conflicts|up"
)
# The right without which a part cannot be asked. Of `silence` there is none: the base reads the same columns.
RIGHTS = {
    "maintenance": "SELECT ON maintenance",
    "numbers": "SELECT ON number_gap",
    "comparison": "SELECT ON comparison",
    "ledger": "SELECT ON ledger_log",
    "shared_numbers": "EXECUTE ON FUNCTION shared_numbers",
}
PARTS = {*RIGHTS, "silence"}
METRIC = re.compile(rf"jukinet_[a-z_]*({UNITS})")


async def get(house: House, path: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.get(house.health_url + path) as response:
        text = response.content_type == "text/plain"
        return response.status, await (response.text() if text else response.json())


async def ask_control(path: Path) -> tuple[int, Any]:
    connector = aiohttp.UnixConnector(str(path))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get("http://jukinet/status") as response,
    ):
        return response.status, await response.json()


async def test_live_and_ready(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    assert await get(house, "/livez") == (200, {"live": True})
    assert await get(house, "/readyz") == (200, {"ready": True})


async def test_not_ready_once_stopping(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    house.daemon._frame.status.stopping = True
    assert await get(house, "/readyz") == (503, {"ready": False})
    assert await get(house, "/livez") == (200, {"live": True})
    _, report = await get(house, "/healthz")
    assert any("notices" in problem and "door closed" in problem for problem in report["problems"])


async def test_a_time_that_no_clock_shows_breaks_no_page(open_house: HouseMaker) -> None:
    """Whoever takes the notices door over can write such a row, and nothing takes it away again."""
    house = await open_house("juki", national=False)
    async with house.line() as line:
        await line.tell(juki_change())
    for moment in ("infinity", "20000-01-01", "-infinity"):
        async with session(house.dsn) as owner:
            await owner.execute(f"UPDATE parcel SET received_at = '{moment}'")
            await owner.execute(f"UPDATE outbox SET entered_at = '{moment}'")
        status, report = await get(house, "/healthz")
        assert (status, report["database"]["ok"]) == (200, True)
        assert not [one["code"] for one in report["municipalities"] if one["last_notice"]]
        assert "inf" not in str(report["outbox"]["oldest_seconds"])


async def test_not_ready_while_the_database_is_gone(pki: Pki, tmp_path: Path) -> None:
    with postgres() as server:
        async with house_on(server, pki, tmp_path) as house:
            await asyncio.to_thread(server.kill)
            assert await get(house, "/readyz") == (503, {"ready": False})
            assert await get(house, "/livez") == (200, {"live": True})
            status, report = await get(house, "/healthz")
            assert (status, report["status"], report["database"]["ok"]) == (200, "attention", False)
            assert any("database does not answer" in problem for problem in report["problems"])
            status, _ = await get(house, "/metrics")
            assert status == 200
            await asyncio.to_thread(server.start)

            async def ready() -> bool:
                return await get(house, "/readyz") == (200, {"ready": True})

            await until(ready)

            async def well() -> bool:
                return bool((await get(house, "/healthz"))[1]["status"] == "ok")

            # The pulse has seen it away, and takes that back at its next beat.
            await until(well, 60)


def faults_in(report: dict[str, Any]) -> dict[str, str]:
    """The parts of a report that tell nothing but why."""
    assert set(report) >= PARTS
    return {name: report[name]["fault"] for name in PARTS if set(report[name]) == {"fault"}}


@pytest.mark.parametrize(("part", "right"), RIGHTS.items())
async def test_a_part_that_fails_hides_no_other(open_house: HouseMaker, part: str, right: str) -> None:
    house = await open_house("juki", national=False)
    async with house.line() as line:
        await line.tell(departure())
    async with session(house.dsn) as owner:
        await owner.execute(f"REVOKE {right} FROM jukinet_status")
        report = await report_of(house)
        fault = "InsufficientPrivilegeError (42501)"
        assert report["database"]["ok"]
        assert faults_in(report) == {part: fault}
        assert [text.split(" / ")[1] for text in report["problems"]] == [
            "notices are held",
            f"a part of health cannot be told: {fault}",
        ]
        assert report["problems"][1].startswith(part)
        # Whoever shows it copes with it.
        shown = {str(cell) for column in status_table(report).columns for cell in column.cells}
        assert ("調べられない" in shown) == (part in {"numbers", "comparison", "ledger"})
        assert findings_in(report, None, read_areas())
        await owner.execute(f"GRANT {right} TO jukinet_status")
        await owner.execute("DELETE FROM held")
    await well(house)


async def test_a_part_that_is_late_hides_no_other(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    async with holding(house.dsn, "LOCK TABLE comparison IN ACCESS EXCLUSIVE MODE"):
        report = await report_of(house)
    assert report["database"]["ok"]
    assert faults_in(report) == {"comparison": f"no answer within {PART_LIMIT_S:g} s"}
    await well(house)


async def test_parts_that_are_not_reached_in_time_are_told_as_such(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    locks = "LOCK TABLE maintenance, number_gap, comparison IN ACCESS EXCLUSIVE MODE"
    async with holding(house.dsn, locks), asyncio.timeout(LOOK_LIMIT_S + 5):
        report = await report_of(house)
    assert report["database"]["ok"]
    faults = faults_in(report)
    assert set(faults) == {"maintenance", "numbers", "comparison", "ledger", "shared_numbers"}
    unreached = f"not reached within {LOOK_LIMIT_S:g} s"
    assert {name for name, fault in faults.items() if fault == unreached} == {"ledger", "shared_numbers"}
    await well(house)


@pytest.mark.parametrize(("register", "notice"), [("juki", juki_change), ("fuhyo", fuhyo_change)])
async def test_healthz_tells_all(open_house: HouseMaker, register: str, notice: Any) -> None:
    house = await open_house(register, national=False)
    async with house.line() as line:
        await line.tell(notice(), notice())
        _, report = await get(house, "/healthz")
    assert (report["register"], report["status"], report["problems"]) == (register, "ok", [])
    address = house.daemon.addresses["notices"]
    assert report["doors"] == {
        "notices": {
            "listen": address,
            "open": True,
            "connections": 1,
            "lanes": {"bound": 64, "waiting": {}},
            "failing_seconds": None,
        }
    }
    assert report["database"]["ok"]
    assert report["outbox"]["records"] == 2
    assert 0 <= report["outbox"]["oldest_seconds"] < 60
    days = {item["name"]: item["days_left"] for item in report["certificates"]}
    assert days == {"certificate": pytest.approx(365, abs=1), "crl": pytest.approx(30, abs=1)}
    _last_notices_are_told(report["municipalities"])


def _last_notices_are_told(municipalities: list[dict[str, Any]]) -> None:
    assert len(municipalities) == 60
    last = {item["code"]: item["last_notice"] for item in municipalities}
    assert last[FUKUOKA].endswith("+09:00")
    assert last[KITAKYUSHU] is None
    assert {item["code"]: item["name"] for item in municipalities}[FUKUOKA] == "福岡市"


async def test_held_notices_want_attention(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    async with house.line() as line:
        (answer,) = await line.tell(departure())
    assert answer.outcome == "HELD"
    _, report = await get(house, "/healthz")
    assert (report["held"], report["status"]) == (1, "attention")


async def test_metrics_keep_to_the_conventions(open_house: HouseMaker) -> None:
    house = await open_house("juki", national=False)
    async with house.line() as line:
        await line.tell(juki_change(), juki_change(area="401013"))
        _, text = await get(house, "/metrics")
    families = {
        family.name: family
        for family in text_string_to_metric_families(text)
        if not family.name.endswith("_created")
    }
    assert families
    for name, family in families.items():
        assert METRIC.fullmatch(name), name
        assert family.documentation
        names = {sample.name for sample in family.samples}
        assert family.type != "counter" or names <= {f"{name}_total"}
    values = {
        (sample.name, *sample.labels.values()): sample.value
        for family in families.values()
        for sample in family.samples
    }
    assert values["jukinet_notices_total", "A100"] == 1
    assert values["jukinet_notices_total", "R310"] == 1
    assert values["jukinet_connections", "notices"] == 1
    assert values["jukinet_outbox_records",] == 1
    assert values["jukinet_certificate_expiry_timestamp_seconds", "certificate"] > 0
    assert values["jukinet_last_parcel_timestamp_seconds", FUKUOKA] > 0


async def test_control_socket(open_house: HouseMaker, tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    house = await open_house("juki", national=False, control={"socket": path})
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    status, report = await ask_control(path)
    assert (status, report["status"]) == (200, "ok")
    assert report["doors"]["notices"]["listen"] == house.daemon.addresses["notices"]


async def test_stale_control_socket_is_replaced(open_house: HouseMaker, tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    path.chmod(0o777)
    await open_house("juki", national=False, control={"socket": path})
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert (await ask_control(path))[0] == 200


async def test_file_in_the_way_of_the_control_socket_is_kept(open_house: HouseMaker, tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    path.write_text("a note")
    with pytest.raises(OSError, match="in use"):
        await open_house("juki", national=False, control={"socket": path})
    assert path.read_text() == "a note"
