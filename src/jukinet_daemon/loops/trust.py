"""信任の見張り: takes up renewed certificates, CAs and CRLs, and cuts whoever is trusted no longer."""

import asyncio
from datetime import datetime
from typing import Protocol

import structlog

from jukinet_daemon.credentials import Credentials, Half, Own
from jukinet_daemon.pki.standing import Standing
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.crls import ListMemory

log = structlog.get_logger()

# What the files say counts within a minute, also for connections that are open: half of it is for looking.
LOOK_EVERY_S = 30.0


class Line(Protocol):
    """Whatever holds connections: the gate of a door, a loop that calls."""

    def renew(self, own: Own) -> None:
        """Uses what the files say now, from the next connection on."""

    def sweep(self, standing: Standing, now: datetime) -> None:
        """Cuts every connection to a peer that is trusted no longer; says so once for each."""


class TrustLoop:
    """Watches the TLS files of one process for all its doors and loops."""

    def __init__(self, credentials: Credentials, lines: list[Line], clock: Clock, memory: ListMemory) -> None:
        self._credentials = credentials
        self._lines = lines
        self._clock = clock
        self._memory = memory
        self._told: dict[Half, str | None] = {}

    async def run(self) -> None:
        """Looks every half minute for ever, and has remembered what must not be forgotten."""
        while True:
            await self._memory.keep(self._credentials.own.standing)
            await asyncio.sleep(LOOK_EVERY_S)
            self.look()

    def look(self) -> None:
        """Takes up changed files, then sweeps. What cannot be used changes nothing and is told once."""
        now = self._clock()
        changed = self._credentials.refresh(now)
        for half, fault in self._credentials.faults.items():
            if fault and fault != self._told.get(half):
                log.error("credentials_unusable", half=half, fault=fault)
            self._told[half] = fault
        own = self._credentials.own
        if changed:
            for line in self._lines:
                line.renew(own)
            log.info("credentials_loaded", certificate=own.key.thumbprint, crls=len(own.standing.crls))
        # Time alone ends certificates and CRLs, so this is done whether or not a file has changed.
        for line in self._lines:
            line.sweep(own.standing, now)
