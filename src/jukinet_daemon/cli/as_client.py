"""相手の側から: goes the way a peer goes, step by step, and says at which step it ends and what to do."""

import asyncio
import re
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from jukinet_daemon.cli.remedies import REMEDIES
from jukinet_daemon.pki.files import PkiFileError, load_certificate
from jukinet_daemon.pki.peer import IdentityError, identity_from_uri, identity_of
from jukinet_daemon.pki.refusal import alert_in, refusal_in
from jukinet_daemon.pki.tls import TlsFiles, client_context, peer_certificate, standing_in
from jukinet_daemon.pki.trust import DoorPolicy, NotAdmitted, Side, admits

PATIENCE_S = 10.0
CLOCK_TOLERANCE_S = 30.0
_UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)
_STATUS = {
    "101": (True, "つながる / the conversation opens"),
    "403": (
        False,
        "証明書は有効だが、この戸口の相手でない / valid, but not for this door",
    ),
    "404": (False, "URL の道が違う / the path of the URL is wrong"),
    "405": (False, "問い合わせの戸口なら URL は https:// / a door for questions has an https:// URL"),
    "503": (False, "止まるところか保守中 / stopping, or under maintenance"),
}
_UNEXPECTED = (False, "思わぬ答え / unexpected")
# A door for questions takes POST alone, and looks first at who comes: who is told so has been admitted.
_ADMITTED = (True, "入れる。この戸口は問い合わせ (POST) だけを受ける / admitted: a door for questions")


@dataclass(frozen=True, slots=True)
class Finding:
    """One step: whether it went well, and what is to be said of it."""

    step: str
    ok: bool
    text: str


@dataclass(frozen=True, slots=True)
class Visit:
    """Where to go, whom to find there (a URI), and with which files."""

    url: str
    server: str
    files: TlsFiles


class _End(Exception):
    """The way ends here."""

    def __init__(self, step: str, text: str) -> None:
        super().__init__(text)
        self.finding = Finding(step, False, text)


async def visit(wanted: Visit) -> list[Finding]:
    """Goes as far as it can; the last finding says why it ended, or that the conversation opens."""
    found: list[Finding] = []
    try:
        found.append(_files(wanted.files))
        host, port = _place(wanted.url)
        found.append(await _resolved(host, port))
        found.append(await _connected(host, port))
        found += await _inside(wanted, host, port)
    except _End as end:
        found.append(end.finding)
    return found


def _files(files: TlsFiles) -> Finding:
    step = "証明書 / our certificate"
    try:
        certificate = load_certificate(files.certificate)
        who, standing = identity_of(certificate).uri, standing_in(files)[0]
        client_context(files)
    except (PkiFileError, IdentityError) as fault:
        raise _End(step, str(fault)) from None
    lost = standing.lost_by(certificate, datetime.now(UTC))
    if lost:
        raise _End(step, f"{who}: {lost}: {REMEDIES[lost]}")
    return Finding(step, True, f"{who}, {certificate.not_valid_after_utc:%Y-%m-%d} まで / until")


def place_of(url: str) -> tuple[str, int] | None:
    """The host and port of a URL of ours, or None."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    return (host, port or 443) if parts.scheme in ("wss", "https") and host else None


def _place(url: str) -> tuple[str, int]:
    place = place_of(url)
    if place is None:
        raise _End("URL", "wss:// か https:// の HOST:PORT/PATH の形でない / not of this form")
    return place


async def _resolved(host: str, port: int) -> Finding:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise _End("名前 / name", f"{host} が引けない。DNS か hosts を直す / cannot be resolved") from None
    return Finding("名前 / name", True, f"{host}: {', '.join(sorted({str(item[4][0]) for item in found}))}")


async def _connected(host: str, port: int) -> Finding:
    step = "ポート / port"
    try:
        async with asyncio.timeout(PATIENCE_S):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        raise _End(
            step,
            f"{port} が黙っている。回線、防火壁、相手のユニットの IPAddressAllow= を調べる"
            " / silent: line, firewall, or IPAddressAllow= of the server's unit",
        ) from None
    except OSError as fault:
        raise _End(
            step, f"{port}: {fault.strerror}。相手は動いているか / is the server up, the port right?"
        ) from None
    writer.close()
    return Finding(step, True, f"{port} が開いている / open")


async def _inside(wanted: Visit, host: str, port: int) -> list[Finding]:
    try:
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection(
                host, port, ssl=client_context(wanted.files), server_hostname=host
            )
    except ssl.SSLError as fault:
        refusal = refusal_in(fault)
        text = f"{refusal}: {REMEDIES[refusal]}" if refusal else f"{fault.reason}"
        raise _End("TLS: 相手の証明書 / the server's certificate", text) from None
    except (OSError, TimeoutError):
        raise _End("TLS", "握手が終わらない。TLS 1.3 の相手か / the handshake does not end") from None
    try:
        return [_server(wanted, writer), *await _upgraded(wanted, host, reader, writer)]
    finally:
        writer.transport.abort()


def _server(wanted: Visit, writer: asyncio.StreamWriter) -> Finding:
    step = "相手の身元 / who the server is"
    try:
        expected = identity_from_uri(wanted.server)
        policy = DoorPolicy(
            expected.trust_domain, expected.role, frozenset({expected.name}), side=Side.SERVER
        )
        found = admits(policy, peer_certificate(writer.get_extra_info("ssl_object")))
    except IdentityError:
        raise _End(step, "--server が spiffe:// の形でない / is not of our form") from None
    except NotAdmitted as refusal:
        raise _End(step, f"{refusal.named or '-'}: {refusal.reason}: {REMEDIES[refusal.reason]}") from None
    return Finding(step, True, found.uri)


async def _upgraded(
    wanted: Visit, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> list[Finding]:
    step = "入室 / admission"
    url = urlsplit(wanted.url)
    path = url.path or "/"
    try:
        writer.write(_UPGRADE.format(path=path, host=host).encode())
        async with asyncio.timeout(PATIENCE_S):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except TimeoutError:
        raise _End(step, "答えがない / no answer") from None
    except asyncio.LimitOverrunError:
        raise _End(step, "HTTP の答えでない / no answer of HTTP") from None
    except (OSError, asyncio.IncompleteReadError) as fault:
        # In TLS 1.3 a client is done first: it learns only now that its certificate was refused.
        alert = alert_in(fault)
        ended = f"握手で断られた ({alert})" if alert else "答えなく切られた"
        english = "refused in the handshake" if alert else "cut off without an answer"
        raise _End(
            step,
            f"{ended}。わけは相手の jukinetctl diagnose が示す"
            f" / {english}; the server's administrator sees why",
        ) from None
    return admission(head, asks=url.scheme == "https")


def admission(head: str, *, asks: bool) -> list[Finding]:
    """What the head of an answer says: of our admission, and of the server's clock if it has a date.

    `asks` is whether we came to a door for questions.
    """
    status = [*head.split(" ", 2), ""][1]
    ok, text = _ADMITTED if asks and status == "405" else _STATUS.get(status, _UNEXPECTED)
    said = status if re.fullmatch("[1-5][0-9][0-9]", status) else "-"
    return [Finding("入室 / admission", ok, f"HTTP {said}: {text}"), *_clock(head)]


def _clock(head: str) -> list[Finding]:
    line = next((line for line in head.split("\r\n") if line.lower().startswith("date:")), "")
    try:
        moment = parsedate_to_datetime(line[5:].strip())
        ahead = round((moment - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return []
    text = f"相手の時計は {ahead:+} 秒 / the server's clock against ours"
    return [Finding("時計 / clock", abs(ahead) <= CLOCK_TOLERANCE_S, text)]
