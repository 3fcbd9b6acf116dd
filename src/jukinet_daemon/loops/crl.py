"""失効の見張り: loads a newer CRL into the live TLS contexts; it counts from the next handshake."""

import asyncio
import ssl
from collections.abc import Callable
from datetime import datetime

import structlog

from jukinet_daemon.pki.files import PkiFileError
from jukinet_daemon.pki.tls import TlsFiles, reload_crl

log = structlog.get_logger()

LOOK_EVERY_S = 30.0


class CrlLoop:
    """Watches one CRL file for the contexts that trust it."""

    def __init__(
        self, files: TlsFiles, contexts: list[ssl.SSLContext], loaded: Callable[[datetime | None], None]
    ) -> None:
        self._files = files
        self._contexts = contexts
        self._loaded = loaded
        self._seen = files.crl.stat().st_mtime_ns

    async def run(self) -> None:
        """Looks every half minute for ever. A file that cannot be used changes nothing and is logged."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.look()

    def look(self) -> None:
        """Loads the file if it is another than last time."""
        try:
            changed = self._files.crl.stat().st_mtime_ns
            if changed == self._seen:
                return
            for context in self._contexts:
                crl = reload_crl(context, self._files)
            self._loaded(crl.next_update_utc)
        except (OSError, PkiFileError) as fault:
            log.error("crl_unusable", fault=str(fault))
            return
        self._seen = changed
        log.info("crl_loaded")
