"""実演の橋: an office asks thrice: answered, refused by its basis, refused because the person came back."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from jukinet_daemon.sim.demo.children import ChildFault
from jukinet_daemon.sim.world import World

Query = Callable[[str, str], str]

# Persons of both files: overseas by the 附票, and by the 住基 left (answered) or resident again (came back).
_PEOPLE = """
SELECT json_object_agg(code, state) FROM (
    SELECT DISTINCT ON (k.value) k.value AS code,
        CASE WHEN EXISTS (SELECT FROM unnest(p.stays) AS s WHERE s.is_open) THEN 'resident'
            WHEN h.cause = 'overseas_move_out' AND h.individual_number IS NOT NULL
                AND h.event_date <= to_char(now(), 'YYYYMMDD') THEN 'left' END AS state
    FROM person_key AS k JOIN person AS p ON p.person_id = k.person_id AND p.waiting = 0
    JOIN history AS h ON h.person_id = p.person_id AND h.version = p.current AND h.resident_code = k.value
    WHERE k.kind = 'code'
) AS people WHERE state IS NOT NULL
"""
_OVERSEAS = """
SELECT json_agg(h.resident_code) FROM person AS p
JOIN history AS h ON h.person_id = p.person_id AND h.version = p.current
WHERE p.waiting = 0 AND h.overseas AND h.resident_code IS NOT NULL
    AND EXISTS (SELECT FROM unnest(p.stays) AS s WHERE s.is_open)
"""
_LEAVES = """
SELECT json_agg(payload ORDER BY entry_id) FROM ledger
WHERE payload::jsonb ->> 'event' LIKE 'bridge%' AND payload::jsonb ->> 'case' = '{case}'
"""


@dataclass(frozen=True, slots=True)
class _Act:
    """One request: what it shows, for whom, on which basis, and what must come of it."""

    title: str
    code: str
    basis: str
    expected: str


async def show_bridge(world: World, query: Query, console: Console) -> bool:
    """Plays the three requests and shows the evidence of both sides; whether all came as they must."""
    acts = await asyncio.to_thread(_acts, query)
    if acts is None:
        console.print("橋: 国外転出者がいません / nobody is overseas: more --people", style="bold")
        return True
    table = Table(title="橋: 国外転出者の個人番号 / the bridge: numbers of people overseas")
    for heading in ("求め", "結果", "附票の証跡 fuhyo ledger", "住基の証跡 juki ledger"):
        table.add_column(heading, overflow="fold")
    agreed = True
    for number, act in enumerate(acts, start=1):
        case, code = await _request(world, act, number)
        leaves = [_events(query, register, case) for register in ("fuhyo", "juki")]
        table.add_row(act.title, code, *("\n".join(events) for events in leaves))
        agreed &= code == act.expected and bool(leaves[0])
    console.print(table)
    return agreed


def _acts(query: Query) -> list[_Act] | None:
    states: dict[str, str] = json.loads(query("juki", _PEOPLE) or "{}")
    overseas: list[str] = json.loads(query("fuhyo", _OVERSEAS) or "[]")
    left = next((code for code in overseas if states.get(code) == "left"), None)
    back = next((code for code in overseas if states.get(code) == "resident"), None)
    if left is None or back is None:
        return None
    return [
        _Act("国外転出者について / a person overseas", left, "J5-4-3", "B100"),
        _Act("他の事務の根拠で / on another affair's basis", left, "J5-6", "B403"),
        _Act("国外から戻った人 / a person who came back", back, "J5-4-3", "B322"),
    ]


async def _request(world: World, act: _Act, number: int) -> tuple[str, str]:
    """Asks as an operator does, with jukinetctl; gives the case and the code."""
    keys, out, password = (world.folder / f"bridge-{number}.{end}" for end in ("csv", "age", "password"))
    await asyncio.to_thread(_write, keys, act.code)
    await asyncio.to_thread(_write, password, os.urandom(16).hex())
    said = await _ctl(
        *("request", "--config", world.site("fuhyo").config, "--office", "zeimu"),
        *("--affair", "prefectural-tax", "--basis", act.basis, "--approved-by", "approver"),
        *("--keys", str(keys), "--out", str(out), "--password-file", str(password), "--json"),
    )
    outcomes: dict[str, int] = said.get("outcomes", {})
    return said["case"], said.get("code") or next(iter(outcomes))


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text + "\n", "utf-8")


async def _ctl(*arguments: str) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "jukinet_daemon.cli.jukinetctl", "bridge", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    if not output:
        raise ChildFault(f"橋で求められません / the bridge: {errors.decode().strip()}")
    said: dict[str, Any] = json.loads(output)
    return said


def _events(query: Query, register: str, case: str) -> list[str]:
    found = json.loads(query(register, _LEAVES.format(case=case)) or "[]")
    payloads = [json.loads(payload) for payload in found]
    return [
        " ".join(filter(None, (payload["event"].removeprefix("bridge_"), payload.get("code"))))
        for payload in payloads
    ]
