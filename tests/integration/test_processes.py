"""A register served by a process for each door: one of them tells of all."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from jukinet_daemon.daemon.serve import Daemon
from jukinet_daemon.outward import call
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.pki.refusal import Refusal
from jukinet_daemon.store.keys import KeyStore
from jukinet_daemon.store.pool import open_database
from jukinet_daemon.store.processes import Processes
from jukinet_daemon.vault.keyring import KeyringFault
from support.notices import juki_change
from support.seal import ledger_sections
from support.store import session
from support.world import FUKUOKA, CsLine, Pki, config_for, national_server, until, write_keyring


@dataclass
class Site:
    """A configuration of all doors, and the processes that open one each."""

    start: Callable[..., Any]
    stop: Callable[..., Any]
    pki: Pki
    dsn: str
    running: dict[str, Daemon]

    async def ask(self, path: str) -> Any:
        async with aiohttp.ClientSession() as client:
            answer = await client.get(f"http://{self.running['health'].addresses['health']}{path}")
            return await (answer.json() if path == "/healthz" else answer.text())

    async def problems(self) -> list[str]:
        return list((await self.ask("/healthz"))["problems"])

    async def comes_to(self, problems: list[str]) -> None:
        async def so() -> bool:
            return await self.problems() == problems

        await until(so, 60)


@pytest.fixture
async def site(new_database: Callable[[str], str], pki: Pki, tmp_path: Path) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(national_server("juki", pki, tmp_path / "national.ndjson"))
        dsn = new_database("juki")
        config = config_for("juki", pki, dsn, write_keyring(tmp_path), national={"url": url})
        running: dict[str, Daemon] = {}

        async def start(section: str) -> None:
            running[section] = Daemon(config, {section})
            await running[section].start()

        async def stop(section: str) -> None:
            await running.pop(section).stop()

        yield Site(start, stop, pki, dsn, running)
        for section in list(running):
            await stop(section)


CLOSED = "戸口 notices が閉じている / door closed"
NO_LINE = "全国サーバとの回線が開いていない / the relay has no line: -"


async def test_the_health_door_tells_of_the_other_processes(site: Site) -> None:
    await site.start("health")
    assert await site.problems() == [CLOSED, NO_LINE]
    await site.start("notices")
    await site.start("national")
    await site.comes_to([])
    report = await site.ask("/healthz")
    assert report["doors"]["notices"]["listen"] == site.running["notices"].addresses["notices"]
    assert sorted(item["name"] for item in report["certificates"]) == ["certificate", "crl"]
    await site.stop("notices")
    assert await site.problems() == [CLOSED]


async def test_a_process_that_fell_silent_counts_as_closed(site: Site) -> None:
    for section in ("health", "notices", "national"):
        await site.start(section)
    await site.comes_to([])
    async with session(site.dsn) as owner:
        await owner.execute(
            "UPDATE process SET told_at = told_at - interval '1 hour' WHERE name = 'national'"
        )
        assert await site.problems() == [NO_LINE]
    await site.comes_to([])  # it speaks again


async def test_what_a_process_tells_is_far_under_what_it_may(site: Site) -> None:
    """Both are well within their bounds of 1 MiB and 256 KiB."""
    for section in ("health", "notices", "national"):
        await site.start(section)
    await site.comes_to([])
    async with session(site.dsn) as owner:
        sizes = "SELECT max(octet_length(report::text)), max(octet_length(metrics)) FROM process"
        ((report, metrics),) = await owner.fetch(sizes)
    assert 100 < report < 100_000
    assert 1_000 < metrics < 100_000


TELLS = "INSERT INTO process (name, host, report, metrics) VALUES ($1, 'other', $2, $3)"
COMPARES = (
    "INSERT INTO comparison (peer, day, signed, theirs, ours, differing)"
    " VALUES ('401307', current_date, '-', '5', $1, '{entry}')"
)
REPORT: dict[str, Any] = {"doors": {}, "certificates": [], "peers": {}}
FORGED = '{"jukinet.duty.up",duty="notices"} 1\n'


async def test_what_a_login_in_wrong_hands_leaves_blinds_nobody(site: Site) -> None:
    await site.start("health")
    async with session(site.dsn) as owner:
        await owner.execute(TELLS, "notices", json.dumps(REPORT | {"credentials": 5}), FORGED)
        too_long = f"jukinet_held_notices {'9' * 400}\n"
        await owner.execute(TELLS, "national", json.dumps(REPORT), FORGED + too_long)
        await owner.execute(COMPARES, '{"entry":{}}')
    problems = await site.problems()
    assert problems[:2] == [CLOSED, NO_LINE]
    assert any(problem.startswith("401307: ") for problem in problems)
    assert await _duties(site) == {"notices": 0, "national": 1, "health": 1}


async def test_the_metrics_of_all_processes_stand_at_one_door(site: Site) -> None:
    for section in ("health", "notices"):
        await site.start(section)
    caller = site.pki.caller(Role.CS, FUKUOKA, "juki")
    url = f"wss://{site.running['notices'].addresses['notices']}/notices"
    async with call(url, caller) as conversation:
        await CsLine("juki", FUKUOKA, caller, conversation).tell(juki_change(), juki_change())

    async def told() -> list[float]:
        families = {f.name: f for f in text_string_to_metric_families(await site.ask("/metrics"))}
        return [
            sample.value
            for sample in families["jukinet_notices"].samples
            if sample.name.endswith("_total") and sample.value
            if sample.labels.get("process", "").startswith("notices@")
        ]

    assert await until(told, 60) == [2.0]
    heads = [line for line in (await site.ask("/metrics")).splitlines() if line.startswith("# TYPE")]
    assert len(heads) == len(set(heads))


async def _duties(site: Site) -> dict[str, float]:
    text = await site.ask("/metrics")
    families = {family.name: family for family in text_string_to_metric_families(text)}
    return {sample.labels["duty"]: sample.value for sample in families["jukinet_duty_up"].samples}


async def test_a_monitor_sees_which_duty_nobody_does(site: Site) -> None:
    await site.start("health")
    assert await _duties(site) == {"notices": 0, "national": 0, "health": 1}
    await site.start("notices")
    await site.start("national")

    async def all_done() -> bool:
        return set((await _duties(site)).values()) == {1}

    await until(all_done, 60)
    await site.stop("national")
    assert await _duties(site) == {"notices": 1, "national": 0, "health": 1}
    async with session(site.dsn) as owner:
        # Killed: it took nothing back, and has told nothing since.
        await owner.execute("UPDATE process SET told_at = told_at - interval '1 hour' WHERE name = 'notices'")
        assert await _duties(site) == {"notices": 0, "national": 0, "health": 1}
    await until(_told_again(site), 60)
    site.running["notices"]._frame.status.stopping = True

    async def closing() -> bool:
        return (await _duties(site))["notices"] == 0

    await until(closing, 60)


def _told_again(site: Site) -> Callable[[], Any]:
    async def so() -> bool:
        return (await _duties(site))["notices"] == 1

    return so


async def test_what_raises_an_alarm_is_counted_from_zero(site: Site) -> None:
    for section in ("health", "notices", "national"):
        await site.start(section)
    wanted = {
        ("jukinet_notices_total", "L500"),
        ("jukinet_parcels_refused_total", "P400"),
        ("jukinet_parcels_refused_total", "L500"),
        ("jukinet_relayed_total", "refused"),
        *(("jukinet_peers_refused_total", f"notices {reason}") for reason in Refusal),
        *(("jukinet_peers_refused_total", f"national {reason}") for reason in Refusal),
    }

    async def all_there() -> bool:
        zero = {
            (sample.name, " ".join(value for label, value in sample.labels.items() if label != "process"))
            for family in text_string_to_metric_families(await site.ask("/metrics"))
            for sample in family.samples
            if sample.value == 0
        }
        return wanted <= zero

    await until(all_there, 60)


async def test_the_seal_has_no_key_of_the_fields_and_holds_up_no_rotation(
    new_database: Callable[[str], str], pki: Pki, tmp_path: Path
) -> None:
    dsn, no_ring = new_database("juki"), tmp_path / "none.toml"
    no_ring.touch(mode=0o600)
    config = config_for("juki", pki, dsn, no_ring, **ledger_sections(tmp_path))
    with pytest.raises(KeyringFault):
        Daemon(config, {"notices"})
    daemon = Daemon(config, {"seal"})
    await daemon.start()
    database = await open_database(dsn, "juki", "jukinet_keys")
    store = await KeyStore.open(database, "juki")

    async def told() -> bool:
        async with session(dsn) as owner:
            return bool(await owner.fetchval("SELECT count(*) FROM process WHERE name = 'seal'"))

    try:
        await until(told, 60)
        assert await store.processes(60.0) == []
    finally:
        await store.close()
        await database.close()
        await daemon.stop()


async def test_what_is_told_is_without_the_teller(new_database: Callable[[str], str]) -> None:
    dsn = new_database("juki")
    database = await open_database(dsn, "juki", "jukinet_status")
    one, other = (Processes(database, name, "host") for name in ("national", "health+control"))
    try:
        await one.tell({"doors": {}}, "metrics")
        assert await one.others(20) == []
        assert [told.name for told in await other.others(20)] == ["national@host"]
        await one.forget()
        assert await other.others(20) == []
    finally:
        await database.close()
