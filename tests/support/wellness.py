"""What a running server says of its health, waited for; and what it answers to one more notice."""

from typing import Any

import aiohttp

from support.notices import juki_change
from support.world import House, until


async def report_of(house: House) -> dict[str, Any]:
    async with aiohttp.ClientSession() as http, http.get(house.health_url + "/healthz") as answer:
        report: dict[str, Any] = await answer.json()
        return report


async def metrics_of(house: House) -> str:
    async with aiohttp.ClientSession() as http, http.get(house.health_url + "/metrics") as answer:
        return await answer.text()


async def problem(house: House, words: str) -> dict[str, Any]:
    """The report, once it tells of a problem in these words."""

    async def told() -> dict[str, Any] | None:
        report = await report_of(house)
        return report if any(words in text for text in report["problems"]) else None

    found: dict[str, Any] = await until(told, 60)
    return found


async def well(house: House) -> dict[str, Any]:
    """The report, once it tells of no problem."""

    async def told() -> dict[str, Any] | None:
        report = await report_of(house)
        return None if report["problems"] else report

    found: dict[str, Any] = await until(told, 60)
    return found


async def outcome(house: House) -> str:
    async with house.line() as line:
        (answer,) = await line.tell(juki_change())
    return str(answer.outcome)
