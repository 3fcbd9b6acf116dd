"""その後: what must be so once every door was asked: both servers alive, clean logs, no resident in any."""

import json
from collections.abc import Iterator
from pathlib import Path

import aiohttp

from asked.doors import Door
from support.canary import found

# What a server rightly says aloud of a question at the bridge that the other server never asked.
RIGHTLY = {"bridge_asked_again", "bridge_call_back_refused", "bridge_not_confirmed"}
LOUD = ("error", "critical")


async def alive(doors: list[Door]) -> list[str]:
    """The faults of the servers as they are now, and the residents that their metrics name."""
    faults = []
    async with aiohttp.ClientSession() as session:
        for door in (door for door in doors if door.document == "health"):
            for path in ("/readyz", "/healthz", "/metrics"):
                async with session.get(door.url + path) as answer:
                    body = await answer.read()
                    faults += [] if answer.status == 200 else [f"{door.name} {path}: {answer.status}"]
                faults += [f"{door.name} {path}: {mark}" for mark in found(body)]
    return faults


def written(folder: Path) -> list[str]:
    """The faults in all that was logged, once everything ended."""
    faults = []
    for path in sorted(folder.rglob("*.log")):
        raw = path.read_bytes()
        faults += [f"{path.name}: {mark}" for mark in found(raw)]
        if path.name.startswith("jukinetd-"):
            faults += [f"{path.name}: {fault}" for fault in faults_in(raw.decode("utf-8", "replace"))]
    return faults


def faults_in(log: str) -> Iterator[str]:
    """Events that none of this should bring about, lines that are no event, an end that was not in order."""
    event = None
    for line in log.splitlines():
        try:
            told = json.loads(line)
            event, level = told["event"], told["level"]
        except (ValueError, KeyError, TypeError):
            yield f"not an event: {line[:200]}"
            continue
        if level in LOUD and event not in RIGHTLY:
            yield line[:300]
    if event != "stopped":
        yield f"the last event is {event}"
