"""封印: the size and root of the ledger's tree, signed (C2SP tlog-checkpoint in a signed note).

Public tools read both. A key is named by the origin of its log, so that no other log passes for this one.
"""

import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from jukinet_daemon.ledger.proof import Tree

MAX_NOTE_CHARACTERS = 4096
_ED25519 = b"\x01"
_ID_BYTES, _KEY_BYTES, _ROOT_BYTES, _SIGNATURE_BYTES = 4, 32, 32, 64
_BODY = re.compile(r"([^\s+]+)\n([1-9][0-9]{0,17})\n([A-Za-z0-9+/]{43}=)\n")
# A log's name is text that a database keeps: no control character, and no half of a surrogate pair, which is
# what a program makes of bytes that are no text.
_NAME = re.compile(r"[^\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_SIGNATURE = re.compile("— (" + _NAME.pattern + r") ([A-Za-z0-9+/]+={0,2})\n")


class CheckpointFault(ValueError):
    """A text is no checkpoint of this log, or not signed by its key."""


class LedgerKeyFault(ValueError):
    """A key of the ledger cannot be used; the message says why."""


def origin_of(trust_domain: str, register: str, number: int) -> str:
    """What the checkpoints of a register's log name it by; one that was begun anew bears its number."""
    return f"{trust_domain}/pref/{register}" + (f"/{number}" if number > 1 else "")


@dataclass(frozen=True, slots=True)
class Verifier:
    """The public key of one log; `text` is the form that C2SP signed-note gives it, for whoever checks."""

    origin: str
    public: bytes

    @classmethod
    def read(cls, text: str) -> "Verifier":
        """Takes the text of a key. Raises LedgerKeyFault."""
        origin, _, rest = text.strip().partition("+")
        told, _, encoded = rest.partition("+")
        raw = exact_base64(encoded)
        if raw is None or len(raw) != 1 + _KEY_BYTES or raw[:1] != _ED25519 or not _NAME.fullmatch(origin):
            raise LedgerKeyFault("not a verifier key of the form name+id+key")
        key = cls(origin, raw[1:])
        if key.id.hex() != told:
            raise LedgerKeyFault("the verifier key does not fit its id")
        return key

    @property
    def id(self) -> bytes:
        """What a signature names its key by."""
        return hashlib.sha256(self.origin.encode() + b"\n" + _ED25519 + self.public).digest()[:_ID_BYTES]

    @property
    def text(self) -> str:
        """The key as a line of text."""
        return f"{self.origin}+{self.id.hex()}+{b64encode(_ED25519 + self.public).decode()}"

    def holds(self, body: str, signature: bytes) -> bool:
        """Whether this key signed a text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, body.encode())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class LedgerKey:
    """The private key that seals the ledger."""

    key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def read(cls, pem: bytes) -> "LedgerKey":
        """Takes a private key as `openssl genpkey -algorithm ed25519` writes it. Raises LedgerKeyFault."""
        try:
            key = load_pem_private_key(pem, None)
        except (ValueError, TypeError, UnsupportedAlgorithm, InternalError):
            raise LedgerKeyFault("not a private key in PEM") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise LedgerKeyFault("not an Ed25519 key")
        return cls(key)

    @property
    def public(self) -> bytes:
        """The public half."""
        return self.key.public_key().public_bytes_raw()

    def sealed(self, origin: str, tree: Tree) -> str:
        """The signed checkpoint of a tree."""
        body = f"{origin}\n{tree.size}\n{b64encode(tree.root).decode()}\n"
        signature = Verifier(origin, self.public).id + self.key.sign(body.encode())
        return f"{body}\n— {origin} {b64encode(signature).decode()}\n"


def open_checkpoint(note: str, keys: Iterable[Verifier]) -> Tree:
    """The tree that a checkpoint tells of, if one of the keys signed it. Raises CheckpointFault.

    Signatures of others may stand beside it, as C2SP allows; they are not looked at.
    """
    text, separator, signatures = note.partition("\n\n")
    body = f"{text}\n"
    if len(note) > MAX_NOTE_CHARACTERS or not separator or not (found := _BODY.fullmatch(body)):
        raise CheckpointFault("not a checkpoint")
    if not (signed := _signatures(signatures)):
        raise CheckpointFault("not a signed note")
    for key in keys:
        named = (raw[_ID_BYTES:] for name, raw in signed if name == key.origin and raw[:_ID_BYTES] == key.id)
        if found[1] == key.origin and any(key.holds(body, signature) for signature in named):
            root = exact_base64(found[3])
            assert root is not None  # noqa: S101 - the pattern's own form
            return Tree(int(found[2]), root)
    raise CheckpointFault("not signed by a key of this log")


def _signatures(text: str) -> list[tuple[str, bytes]]:
    signed = []
    for line in text.splitlines(keepends=True):
        found = _SIGNATURE.fullmatch(line)
        raw = exact_base64(found[2]) if found else None
        if found is None or raw is None:
            return []
        signed.append((found[1], raw))
    return signed


def exact_base64(text: str) -> bytes | None:
    """What base64 says; None if it is not, or if another text would say the same."""
    try:
        raw = b64decode(text, validate=True)
    except ValueError:
        return None
    return raw if b64encode(raw).decode() == text else None
