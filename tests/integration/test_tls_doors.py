"""The doors over real sockets: who gets through the handshake, and that nobody comes back by resumption."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from jukinet_daemon.pki.files import write_certificates, write_crl, write_issued
from jukinet_daemon.pki.issue import (
    CertificateAuthority,
    Issued,
    Validity,
    issue,
    make_crl,
    make_issuing,
    make_root,
)
from jukinet_daemon.pki.peer import PeerIdentity, Role
from jukinet_daemon.pki.tls import TlsFiles, client_context, peer_certificate, server_context
from jukinet_daemon.pki.trust import DoorPolicy, NotAdmitted, Side, admits
from support.bridge import Bridged
from support.world import FUKUOKA

DOMAIN = "jukinet.example"
NOW = datetime.now(UTC).replace(microsecond=0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ALWAYS = Validity(NOW - 30 * DAY, NOW + 30 * DAY)
CURRENT = Validity(NOW - DAY, NOW + DAY)
CS = PeerIdentity(DOMAIN, Role.CS, "401307")
JUKI = PeerIdentity(DOMAIN, Role.PREF, "juki")
GREETING = b"welcome\n"

# OpenSSL's words for a verification that failed
NO_CRL = "unable to get certificate CRL"
NO_ISSUER = "unable to get local issuer certificate"
NOT_YET_VALID, EXPIRED = "certificate is not yet valid", "certificate has expired"
CRL_EXPIRED, REVOKED = "CRL has expired", "certificate revoked"


@dataclass(frozen=True)
class Network:
    """A PKI on disk: one root, one issuing CA, its CRL file."""

    folder: Path
    root: CertificateAuthority
    issuing: CertificateAuthority
    serial: "count[int]"

    def files(self, issued: Issued) -> TlsFiles:
        paths = write_issued(self.folder, f"peer{next(self.serial)}", issued, self.issuing.chain)
        return TlsFiles(paths.certificate, paths.key, self.folder / "ca.pem", self.folder / "ca.crl")

    def peer(self, identity: PeerIdentity, validity: Validity = CURRENT) -> TlsFiles:
        return self.files(issue(self.issuing, identity, validity))

    def publish(self, revoked: Mapping[int, datetime], at: datetime, until: datetime = NOW + DAY) -> None:
        both, number = (self.issuing, self.root), next(self.serial)
        write_crl(self.folder / "ca.crl", *(make_crl(ca, revoked, at, until, number) for ca in both))


def make_network(folder: Path) -> Network:
    folder.mkdir()
    root = make_root("root", ALWAYS)
    network = Network(folder, root, make_issuing(root, "issuing", ALWAYS), count(1))
    write_certificates(folder / "ca.pem", [root.certificate, network.issuing.certificate])
    network.publish({}, at=NOW - 2 * HOUR)
    return network


@pytest.fixture
def network(tmp_path: Path) -> Network:
    return make_network(tmp_path / "ours")


@pytest.fixture
async def refusals() -> AsyncIterator[list[str]]:
    """Why the server's handshakes failed: asyncio tells a refused handshake only to a loop in debug mode."""
    loop, reasons = asyncio.get_running_loop(), list[str]()

    def note(_: asyncio.AbstractEventLoop, context: Mapping[str, object]) -> None:
        reasons.append(_reason(context.get("exception")))

    loop.set_debug(True)
    loop.set_exception_handler(note)
    yield reasons
    loop.set_exception_handler(None)
    loop.set_debug(False)


def _reason(error: object) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return error.reason if isinstance(error, ssl.SSLError) else repr(error)


@dataclass(frozen=True)
class Door:
    """A listening server that greets whoever came through the handshake and notes who it was."""

    port: int
    seen: list[str]


@contextlib.asynccontextmanager
async def door(context: ssl.SSLContext) -> AsyncIterator[Door]:
    seen: list[str] = []

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        certificate = peer_certificate(writer.get_extra_info("ssl_object"))
        with contextlib.suppress(NotAdmitted):
            seen.append(admits(DoorPolicy(DOMAIN, Role.CS), certificate).uri)
            writer.write(GREETING)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context)
    try:
        yield Door(server.sockets[0].getsockname()[1], seen)
    finally:
        server.close()
        await server.wait_closed()


async def call(port: int, context: ssl.SSLContext) -> bytes:
    """What the door says: the greeting, or nothing, whether it said so by EOF or by reset."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        return await reader.read()
    except (ssl.SSLError, ConnectionError):
        return b""
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def open_client(files: TlsFiles) -> ssl.SSLContext:
    """A client that checks nothing, as a hostile one would be, and shows what it has."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(files.certificate, files.key)
    return context


async def test_a_good_cs_is_greeted(network: Network) -> None:
    async with door(server_context(network.peer(JUKI))) as opened:
        assert await call(opened.port, client_context(network.peer(CS))) == GREETING
        assert opened.seen == [CS.uri]


async def test_a_good_certificate_of_another_role_passes_tls_and_not_the_policy(network: Network) -> None:
    async with door(server_context(network.peer(JUKI))) as opened:
        fuhyo = network.peer(PeerIdentity(DOMAIN, Role.PREF, "fuhyo"))
        assert await call(opened.port, client_context(fuhyo)) == b""
        assert opened.seen == []


async def test_a_revoked_cs_is_refused_and_its_neighbour_is_not(
    network: Network, refusals: list[str]
) -> None:
    issued = issue(network.issuing, CS, CURRENT)
    network.publish({issued.certificate.serial_number: NOW - HOUR}, at=NOW - HOUR)
    async with door(server_context(network.peer(JUKI))) as opened:
        assert await call(opened.port, client_context(network.files(issued))) == b""
        assert refusals == [REVOKED]
        assert await call(opened.port, client_context(network.peer(CS))) == GREETING


async def test_a_rogue_ca_of_the_same_names_is_refused(
    network: Network, tmp_path: Path, refusals: list[str]
) -> None:
    rogue = make_network(tmp_path / "rogue")
    async with door(server_context(network.peer(JUKI))) as opened:
        assert await call(opened.port, open_client(rogue.peer(CS))) == b""
        assert refusals == [NO_ISSUER]
        assert opened.seen == []


@pytest.mark.parametrize(
    ("validity", "reason"),
    [
        (Validity(NOW - 2 * DAY, NOW - DAY), EXPIRED),
        (Validity(NOW + DAY, NOW + 2 * DAY), NOT_YET_VALID),
    ],
)
async def test_a_certificate_out_of_its_days_is_refused(
    network: Network, refusals: list[str], validity: Validity, reason: str
) -> None:
    async with door(server_context(network.peer(JUKI))) as opened:
        assert await call(opened.port, client_context(network.peer(CS, validity))) == b""
        assert refusals == [reason]


async def test_a_stale_crl_refuses_everybody(network: Network, refusals: list[str]) -> None:
    good = client_context(network.peer(CS))
    network.publish({}, at=NOW - DAY, until=NOW - HOUR)
    async with door(server_context(network.peer(JUKI))) as opened:
        assert await call(opened.port, good) == b""
        assert refusals == [CRL_EXPIRED]


async def test_a_peer_of_a_ca_without_crl_is_refused(network: Network, refusals: list[str]) -> None:
    second = replace(network, issuing=make_issuing(network.root, "second", ALWAYS))
    async with door(server_context(network.peer(JUKI))) as opened:
        assert await call(opened.port, open_client(second.peer(CS))) == b""
        assert refusals == [NO_CRL]


async def test_a_certificate_not_made_by_the_rules_is_refused(network: Network, refusals: list[str]) -> None:
    key, issuer = ec.generate_private_key(ec.SECP256R1()), network.issuing
    san = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(CS.uri)])
    without_aki = (
        x509.CertificateBuilder(issuer.certificate.subject, x509.Name([]), key.public_key(), 1)
        .not_valid_before(CURRENT.not_before)
        .not_valid_after(CURRENT.not_after)
        .add_extension(san, critical=True)
        .sign(issuer.key, SHA256())
    )
    async with door(server_context(network.peer(JUKI))) as opened:
        assert await call(opened.port, open_client(network.files(Issued(without_aki, key)))) == b""
        assert refusals == ["Missing Authority Key Identifier"]


async def test_no_client_certificate_is_refused(refusals: list[str], network: Network) -> None:
    naked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    naked.check_hostname = False
    naked.verify_mode = ssl.CERT_NONE
    async with door(server_context(network.peer(JUKI))) as opened:
        assert await call(opened.port, naked) == b""
        assert refusals == ["PEER_DID_NOT_RETURN_A_CERTIFICATE"]


async def test_tls_1_2_is_refused_by_the_server(network: Network, refusals: list[str]) -> None:
    old = open_client(network.peer(CS))
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with door(server_context(network.peer(JUKI))) as opened:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", opened.port, ssl=old)
        assert refusals == ["UNSUPPORTED_PROTOCOL"]


async def test_tls_1_2_is_refused_by_the_client(network: Network, refusals: list[str]) -> None:
    files = network.peer(JUKI)
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.load_cert_chain(files.certificate, files.key)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with door(old) as opened:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", opened.port, ssl=client_context(network.peer(CS)))
        assert refusals == ["UNSUPPORTED_PROTOCOL"]


async def test_a_client_refuses_a_revoked_server(network: Network) -> None:
    issued = issue(network.issuing, JUKI, CURRENT)
    files = network.files(issued)
    async with door(server_context(files)) as opened:
        network.publish({issued.certificate.serial_number: NOW - HOUR}, at=NOW - HOUR)
        with pytest.raises(ssl.SSLCertVerificationError) as caught:
            await asyncio.open_connection("127.0.0.1", opened.port, ssl=client_context(network.peer(CS)))
        assert caught.value.verify_message == REVOKED


async def test_a_client_knows_the_server_by_its_identity_not_by_its_host(network: Network) -> None:
    files = network.peer(PeerIdentity(DOMAIN, Role.NATIONAL, "juki"))
    async with door(server_context(files)) as opened:
        context = client_context(network.peer(JUKI))
        _, writer = await asyncio.open_connection("127.0.0.1", opened.port, ssl=context)
        certificate = peer_certificate(writer.get_extra_info("ssl_object"))
        writer.close()
        await writer.wait_closed()
    national = DoorPolicy(DOMAIN, Role.NATIONAL, frozenset({"juki"}), side=Side.SERVER)
    assert admits(national, certificate).name == "juki"
    with pytest.raises(NotAdmitted, match="wrong-name"):
        admits(replace(national, names=frozenset({"fuhyo"})), certificate)


def visit(
    port: int, context: ssl.SSLContext, session: ssl.SSLSession | None
) -> tuple[ssl.SSLSession | None, bool]:
    """One whole visit with a blocking socket, which, unlike asyncio, can offer an earlier session."""
    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        context.wrap_socket(plain, session=session) as tls,
    ):
        tls.sendall(b"GET /anything HTTP/1.1\r\nHost: x\r\n\r\n")
        # A ticket would come behind the handshake: what is read next has met it.
        assert tls.recv(64).startswith(b"HTTP/1.1 404 ")
        return tls.session, bool(tls.session_reused)


@pytest.mark.parametrize("hostile", [False, True])
@pytest.mark.parametrize("door", ["notices", "bridge"])
async def test_no_door_gives_a_ticket_or_resumes_a_session(
    bridge_world: Bridged, door: str, hostile: bool
) -> None:
    """At the doors of a running server, by a peer that comes in; a hostile one asks for what it can get."""
    world = bridge_world
    who = (Role.CS, FUKUOKA) if door == "notices" else (Role.PREF, "fuhyo")
    files, port = world.pki.files(*who), int(world.juki.daemon.addresses[door].rpartition(":")[2])
    context = open_client(files) if hostile else client_context(files)
    session, _ = await asyncio.to_thread(visit, port, context, None)
    assert session is not None
    assert not session.has_ticket
    _, reused = await asyncio.to_thread(visit, port, context, session)
    assert not reused


async def test_both_ends_speak_tls_1_3_without_compression(network: Network) -> None:
    for context in (server_context(network.peer(JUKI)), client_context(network.peer(CS))):
        assert context.minimum_version is context.maximum_version is ssl.TLSVersion.TLSv1_3
        assert context.options & ssl.OP_NO_TICKET
        assert context.options & ssl.OP_NO_COMPRESSION
        assert context.verify_mode is ssl.CERT_REQUIRED
    assert server_context(network.peer(JUKI)).num_tickets == 0
