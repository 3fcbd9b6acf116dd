"""systemd への知らせ: READY, STOPPING, WATCHDOG over the notify socket (sd_notify(3))."""

import asyncio
import os
import re
import socket
from collections.abc import Mapping
from contextlib import suppress

_MICROSECONDS = re.compile("[0-9]{1,20}")


def notify(state: str, environment: Mapping[str, str] = os.environ) -> None:
    """Tells systemd a state such as READY=1. A manager that is not there, or gone, is no reason to fail."""
    address = environment.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.connect(address)
        manager.sendall(state.encode("ascii"))


def watchdog_interval(environment: Mapping[str, str] = os.environ) -> float | None:
    """How often to say WATCHDOG=1, in seconds: half of what the unit allows; None without a watchdog."""
    allowed = environment.get("WATCHDOG_USEC", "")
    return int(allowed) / 2_000_000 if _MICROSECONDS.fullmatch(allowed) else None


async def keep_watchdog() -> None:
    """Says WATCHDOG=1 from the event loop, so that a loop that no longer turns is noticed."""
    interval = watchdog_interval()
    while interval:
        notify("WATCHDOG=1")
        await asyncio.sleep(interval)
