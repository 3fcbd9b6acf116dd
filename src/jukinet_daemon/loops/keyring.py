"""鍵束の見張り: takes up a key ring that was replaced, without a restart."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from jukinet_daemon.vault.fields import Vault
from jukinet_daemon.vault.keyring import KeyringFault, read_keyring

log = structlog.get_logger()

LOOK_EVERY_S = 1.0


class KeyringLoop:
    """Watches the key file of one vault; `changed` hears that another ring is in use."""

    def __init__(self, path: Path, vault: Vault, changed: Callable[[], None]) -> None:
        self._path = path
        self._vault = vault
        self._changed = changed
        self._seen: tuple[int, int] | None = None
        self._fault: str | None = None

    async def run(self) -> None:
        """Looks every second for ever. A file that cannot be used changes nothing and is logged once."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Takes up the file if it is another than last time."""
        try:
            found = self._path.stat()
            seen = (found.st_ino, found.st_mtime_ns)
            if seen == self._seen:
                return
            ring = read_keyring(self._path)
        except (OSError, KeyringFault) as fault:
            if str(fault) != self._fault:
                log.error("keyring_unusable", fault=str(fault))
            self._fault = str(fault)
            return
        self._seen, self._fault = seen, None
        if ring != self._vault.ring:
            self._vault.renew(ring)
            self._changed()
            log.info("keyring_loaded", current=ring.current, versions=ring.versions)
