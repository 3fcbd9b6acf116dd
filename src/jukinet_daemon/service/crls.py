"""失効リストの控え: what was taken up once counts after a restart too, whatever the file says then."""

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from jukinet_daemon.pki.peer import thumbprint
from jukinet_daemon.pki.standing import Standing, age
from jukinet_daemon.service.patience import within
from jukinet_daemon.store.crls import KeptLists
from jukinet_daemon.store.faults import StoreFault

log = structlog.get_logger()

PATIENCE_S = 5.0


class ListMemory:
    """Remembers the newest list of each CA. A login can make its own forgotten, and invent none."""

    def __init__(self, store: KeptLists) -> None:
        self._store = store
        self._kept: dict[x509.Certificate, x509.CertificateRevocationList] = {}

    async def recall(self) -> tuple[x509.CertificateRevocationList, ...]:
        """What was taken up before. Raises StoreFault."""
        found = (read_kept(authority, der) for authority, der in await self._store.all())
        return tuple(crl for crl in found if crl is not None)

    async def keep(self, standing: Standing) -> None:
        """Keeps what is new. A database that does not take it is told, and tried again at the next look."""
        try:
            for authority, crl in standing.crls.items():
                if self._kept.get(authority) != crl:
                    der = crl.public_bytes(Encoding.DER)
                    # The next list must count within a minute, whatever the database does with this one.
                    await within(PATIENCE_S, self._store.keep(thumbprint(authority), age(crl), der))
                    self._kept[authority] = crl
        except StoreFault as fault:
            log.warning("crls_not_kept", fault=str(fault))


def read_kept(authority: str, der: bytes) -> x509.CertificateRevocationList | None:
    """A list as the database has it, or None where that is none: whoever can write there can spoil it."""
    try:
        return x509.load_der_x509_crl(der)
    except (ValueError, x509.InvalidVersion):
        log.error("kept_crl_unreadable", authority=authority)
        return None
