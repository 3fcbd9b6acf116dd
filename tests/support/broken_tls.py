"""壊れた握手: handshakes that break RFC 8446 in one place each, by tlslite-ng, which lets itself be bent."""

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from tlslite.api import HandshakeSettings, TLSConnection, X509CertChain, parsePEMKey
from tlslite.constants import AlertDescription, ContentType, ExtensionType, HandshakeType
from tlslite.errors import BaseTLSException, TLSRemoteAlert
from tlslite.messages import Message

WAIT_S = 60.0
GET = b"GET /anything HTTP/1.1\r\nHost: x\r\n\r\n"

# Bytes in, one message of the handshake; out, what is sent in its place.
Bend = Callable[[int, bytes], list[bytes]]
# What is done over a connection that came through.
After = Callable[["Bent"], None]


@dataclass(frozen=True, slots=True)
class Case:
    """One broken handshake: `reason` in the log, what is sent in place of what, what is done afterwards."""

    reason: str
    bend: Bend | None = None
    after: After | None = None
    settings: Mapping[str, Any] | None = None
    raw: Callable[[socket.socket], None] | None = None


class Bent(TLSConnection):  # type: ignore[misc]
    """A client whose handshake messages pass through a bend on their way out."""

    def __init__(self, connection: socket.socket, bend: Bend | None) -> None:
        super().__init__(connection)
        self._bend = bend
        self.below = connection.sendall

    def _sendMsg(self, msg: Any, *rest: Any, **named: Any) -> Iterator[int]:  # noqa: N802
        content = bytes(msg.write())
        if self._bend is None or msg.contentType != ContentType.handshake:
            yield from super()._sendMsg(msg, *rest, **named)
            return
        for bent in self._bend(content[0], content):
            yield from super()._sendMsg(Message(ContentType.handshake, bytearray(bent)))

    def put(self, kind: int, content: bytes) -> None:
        """Sends one record of any kind under the keys of now."""
        for _ in super()._sendMsg(Message(kind, bytearray(content)), update_hashes=False):
            pass

    def renew_key(self) -> None:
        """A KeyUpdate as it should be."""
        for _ in self.send_keyupdate_request(0):
            pass


def only(kind: int, change: Callable[[bytes], list[bytes]]) -> Bend:
    """Bends one kind of message."""
    return lambda what, content: change(content) if what == kind else [content]


def _flip_last(content: bytes) -> list[bytes]:
    return [content[:-1] + bytes([content[-1] ^ 1])]


def _drop(_content: bytes) -> list[bytes]:
    return []


def _twice(content: bytes) -> list[bytes]:
    return [content, content]


def _with_compression(content: bytes) -> list[bytes]:
    """A ClientHello whose only compression method is DEFLATE: behind random, session and suites."""
    place = 4 + 2 + 32
    place += 1 + content[place]
    place += 2 + int.from_bytes(content[place : place + 2], "big")
    return [content[: place + 1] + b"\x01" + content[place + 2 :]]


def _with_extension(kind: int, data: bytes) -> Callable[[bytes], list[bytes]]:
    """A ClientHello with one more extension before the others (a repeated one, if it has it already)."""

    def change(content: bytes) -> list[bytes]:
        place = 4 + 2 + 32
        place += 1 + content[place]
        place += 2 + int.from_bytes(content[place : place + 2], "big")
        place += 1 + content[place]
        size = int.from_bytes(content[place : place + 2], "big")
        more = kind.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data
        body = content[4:place] + (size + len(more)).to_bytes(2, "big") + more + content[place + 2 :]
        return [content[:1] + len(body).to_bytes(3, "big") + body]

    return change


def _not_so_long(content: bytes) -> list[bytes]:
    """One that announces a byte less than it has."""
    return [content[:1] + (len(content) - 5).to_bytes(3, "big") + content[4:]]


def _finished_early(what: int, content: bytes) -> list[bytes]:
    return [b"\x14\x00\x00\x20" + bytes(32)] if what == HandshakeType.certificate else [content]


def _key_update_midway(what: int, content: bytes) -> list[bytes]:
    return [b"\x18\x00\x00\x01\x00", content] if what == HandshakeType.certificate else [content]


def _hello_again(what: int, content: bytes) -> list[bytes]:
    return [b"\x01" + content[1:]] if what == HandshakeType.certificate else [content]


def _unknown_message(what: int, content: bytes) -> list[bytes]:
    return [b"\x63\x00\x00\x01\x00", content] if what == HandshakeType.certificate else [content]


def _of_another_key(content: bytes) -> list[bytes]:
    """A signature that is well-formed, of somebody else, over something else."""
    signature = ec.generate_private_key(ec.SECP256R1()).sign(b"something else", ec.ECDSA(hashes.SHA256()))
    body = content[4:6] + len(signature).to_bytes(2, "big") + signature
    return [content[:1] + len(body).to_bytes(3, "big") + body]


def _sha1(content: bytes) -> list[bytes]:
    """A signature announced as ECDSA with SHA-1."""
    return [content[:4] + b"\x02\x03" + content[6:]]


def _raw(*parts: bytes) -> Callable[[socket.socket], None]:
    def send(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)

    return send


def _put(kind: int, content: bytes, times: int = 1) -> After:
    def after(peer: Bent) -> None:
        for _ in range(times):
            peer.put(kind, content)

    return after


def _keys_without_end(peer: Bent) -> None:
    for _ in range(64):
        peer.renew_key()


def _below(content: bytes) -> After:
    return lambda peer: peer.below(content)


_HELLO, _CERTIFICATE, _VERIFY, _FINISHED = (
    HandshakeType.client_hello,
    HandshakeType.certificate,
    HandshakeType.certificate_verify,
    HandshakeType.finished,
)
_HEARTBEAT = 24

CASES: Mapping[str, Case] = {
    "TLS 1.2 and below only": Case("UNSUPPORTED_PROTOCOL", settings={"maxVersion": (3, 3)}),
    "TLS 1.0 only": Case("UNSUPPORTED_PROTOCOL", settings={"minVersion": (3, 1), "maxVersion": (3, 1)}),
    "downgrade: TLS 1.1 offered with the fallback signal": Case(
        "UNSUPPORTED_PROTOCOL",
        settings={"minVersion": (3, 2), "maxVersion": (3, 2), "sendFallbackSCSV": True},
    ),
    # One that OpenSSL 3.0 knows nothing of, for the tests run in a process with its usual groups.
    "no shared group": Case(
        "NO_SUITABLE_KEY_SHARE",
        settings={
            "eccCurves": ["brainpoolP256r1tls13"],
            "keyShares": ["brainpoolP256r1tls13"],
            "dhGroups": [],
        },
    ),
    "compression method other than null": Case("NO_COMPRESSION_SPECIFIED", only(_HELLO, _with_compression)),
    "extension twice": Case(
        "BAD_EXTENSION", only(_HELLO, _with_extension(ExtensionType.supported_versions, b"\x02\x03\x04"))
    ),
    "ClientHello shorter than it says": Case("LENGTH_MISMATCH", only(_HELLO, _not_so_long)),
    "ClientHello twice": Case("BAD_RECORD_TYPE", only(_HELLO, _twice)),
    "Finished in place of the certificate": Case("UNEXPECTED_MESSAGE", _finished_early),
    "ClientHello in place of the certificate": Case("UNEXPECTED_MESSAGE", _hello_again),
    "KeyUpdate before the handshake ends": Case("UNEXPECTED_MESSAGE", _key_update_midway),
    "message of an unknown kind": Case("UNEXPECTED_MESSAGE", _unknown_message),
    "no Certificate message": Case("UNEXPECTED_MESSAGE", only(_CERTIFICATE, _drop)),
    "Certificate twice": Case("UNEXPECTED_MESSAGE", only(_CERTIFICATE, _twice)),
    "no CertificateVerify": Case("UNEXPECTED_MESSAGE", only(_VERIFY, _drop)),
    "CertificateVerify twice": Case("UNEXPECTED_MESSAGE", only(_VERIFY, _twice)),
    "CertificateVerify with one bit wrong": Case("key-not-held", only(_VERIFY, _flip_last)),
    "CertificateVerify of another key": Case("key-not-held", only(_VERIFY, _of_another_key)),
    "CertificateVerify said to be of SHA-1": Case("WRONG_SIGNATURE_TYPE", only(_VERIFY, _sha1)),
    "Finished with one bit wrong": Case("DIGEST_CHECK_FAILED", only(_FINISHED, _flip_last)),
    "Finished cut short": Case(
        "BAD_DIGEST_LENGTH", only(_FINISHED, lambda content: [b"\x14\x00\x00\x10" + content[4:20]])
    ),
    "record of more than 2^14 bytes": Case(
        "PACKET_LENGTH_TOO_LONG", raw=_raw(b"\x16\x03\x01\x48\x01" + bytes(0x4801))
    ),
    "record of an unknown kind": Case("UNEXPECTED_MESSAGE", raw=_raw(b"\x63\x03\x01\x00\x05hello")),
    "data before any handshake": Case("UNEXPECTED_MESSAGE", raw=_raw(b"\x17\x03\x03\x00\x05hello")),
    "alert before any handshake": Case("UNEXPECTED_MESSAGE", raw=_raw(b"\x15\x03\x01\x00\x02\x02\x28")),
    "records of no bytes, without end": Case("RECORD_TOO_SMALL", raw=_raw(b"\x16\x03\x01\x00\x00" * 200)),
    "handshake message of 16 MiB announced": Case(
        "EXCESSIVE_MESSAGE_SIZE", raw=_raw(b"\x16\x03\x01\x00\x04\x01\xff\xff\xff")
    ),
    "after it: a record under no key": Case(
        "DECRYPTION_FAILED_OR_BAD_RECORD_MAC", after=_below(b"\x17\x03\x03\x00\x20" + bytes(32))
    ),
    "after it: a record too long": Case(
        "ENCRYPTED_LENGTH_TOO_LONG", after=_below(b"\x17\x03\x03\x41\x01" + bytes(0x4101))
    ),
    "after it: renegotiation": Case(
        "UNEXPECTED_MESSAGE", after=_put(ContentType.handshake, b"\x01\x00\x00\x02\x03\x03")
    ),
    "after it: a heartbeat": Case("BAD_RECORD_TYPE", after=_put(_HEARTBEAT, b"\x01\x00\x10" + bytes(35))),
    "after it: a change of cipher": Case(
        "BAD_RECORD_TYPE", after=_put(ContentType.change_cipher_spec, b"\x01")
    ),
    "after it: a certificate nobody asked for": Case(
        "UNEXPECTED_MESSAGE",
        after=_put(ContentType.handshake, b"\x0b\x00\x00\x04" + bytes(4)),
    ),
    "after it: KeyUpdate and the old key": Case(
        "DECRYPTION_FAILED_OR_BAD_RECORD_MAC", after=_put(ContentType.handshake, b"\x18\x00\x00\x01\x00", 2)
    ),
}

# What RFC 8446 allows, though nobody of ours does it: the door goes on as if nothing were.
ALLOWED: Mapping[str, Case] = {
    "nothing out of order": Case(""),
    "early data announced, none sent": Case("", only(_HELLO, _with_extension(ExtensionType.early_data, b""))),
    "64 times KeyUpdate": Case("", after=_keys_without_end),
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a broken handshake ended: the door's alert if one came, and what was read of HTTP."""

    alert: str
    read: bytes


def attempt(address: str, case: Case, certificate: str, key: str) -> Ended:
    """Goes to a door with a sound certificate, does what the case says, waits for the door to end it."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=WAIT_S) as connection:
        if case.raw:
            case.raw(connection)
            return Ended("", _rest(connection))
        peer = Bent(connection, case.bend)
        # It is the door that ends it: a reset of ours would overtake what the door has not read yet.
        peer.closeSocket = False
        try:
            chain = X509CertChain()
            chain.parsePemList(certificate)
            peer.handshakeClientCert(chain, parsePEMKey(key, private=True), settings=_settings(case))
            if case.after:
                case.after(peer)
            peer.write(GET)
            return Ended("", bytes(peer.read(max=200, min=1)))
        except TLSRemoteAlert as fault:
            return Ended(AlertDescription.toStr(fault.description), b"")
        except BaseTLSException:
            _rest(connection)
            return Ended("", b"")
        except OSError as fault:
            if isinstance(fault, TimeoutError):
                raise
            return Ended("", b"")


def _settings(case: Case) -> HandshakeSettings:
    settings = HandshakeSettings()
    # It would compress its certificate unasked.
    settings.certificate_compression_send = settings.certificate_compression_receive = []
    for name, value in (case.settings or {}).items():
        setattr(settings, name, value)
    return settings


def _rest(connection: socket.socket) -> bytes:
    read = b""
    with suppress(ConnectionError):
        while came := connection.recv(4096):
            read += came
    return read
