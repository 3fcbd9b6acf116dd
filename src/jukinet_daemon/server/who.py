"""線の相手: who is at the other end of a connection, so that the log can name it."""

import asyncio
import ssl
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from dataclasses import dataclass

import structlog

from jukinet_daemon.pki.peer import IdentityError, identity_of
from jukinet_daemon.pki.tls import peer_certificate
from jukinet_daemon.pki.trust import NotAdmitted

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Who:
    """The door somebody stands in, the address, and the URI if a certificate names anybody."""

    door: str
    address: str = "-"
    peer: str | None = None


NOBODY = Who("-")
_who: ContextVar[Who] = ContextVar("who", default=NOBODY)


class NamedTls(ssl.SSLObject):
    """TLS of one connection that has been told whose it is."""

    who: Who = NOBODY


def meet(door: str, transport: asyncio.BaseTransport) -> Who:
    """Who has come to a door on a connection; its TLS is told too."""
    place = transport.get_extra_info("peername")
    tls = transport.get_extra_info("ssl_object")
    who = Who(door, str(place[0]) if place else "-", _named(tls) if tls else None)
    if isinstance(tls, NamedTls):
        tls.who = who
    return who


def on_behalf_of(who: Who, do: Callable[[], None]) -> None:
    """Does something in whose course, and in whose tasks, `current` gives somebody."""
    context = copy_context()
    context.run(_who.set, who)
    context.run(do)


def current() -> Who:
    """On whose behalf the running task works."""
    return _who.get()


def tell_refused(status: int) -> None:
    """Logs that whoever the running task works for was refused by HTTP status."""
    who = current()
    log.warning("request_refused", door=who.door, status=status, address=who.address, peer=who.peer)


def _named(tls: ssl.SSLObject) -> str | None:
    try:
        return identity_of(peer_certificate(tls)).uri
    except (NotAdmitted, IdentityError, ValueError):
        return None
