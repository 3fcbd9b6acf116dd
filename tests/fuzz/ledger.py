"""封印と証明: checkpoints, proofs of a leaf and verifier keys; nothing opens but what the key signed."""

from base64 import encodebytes

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from jukinet_daemon.ledger.checkpoint import (
    CheckpointFault,
    LedgerKey,
    LedgerKeyFault,
    Verifier,
    open_checkpoint,
)
from jukinet_daemon.ledger.leaf import leaf_of
from jukinet_daemon.ledger.proof import Tree
from jukinet_daemon.ledger.receipt import LeafProof, read_leaf_proof
from support.merkle import path_of, root_of

from .target import Target, only

ORIGIN = "jukinet.test/pref/juki"
KEY = LedgerKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
PUBLIC = Verifier(ORIGIN, KEY.public)
_SALTS = [bytes([number]) * 16 for number in range(7)]
_PAYLOADS = [f'{{"n":{number}}}' for number in range(7)]
_LEAVES = [leaf_of(payload, salt).hash for payload, salt in zip(_PAYLOADS, _SALTS, strict=True)]
TREE = Tree(7, root_of(_LEAVES))
NOTE = KEY.sealed(ORIGIN, TREE)
PROOF = LeafProof(_SALTS[4], _PAYLOADS[4], 4, tuple(path_of(4, _LEAVES)), NOTE).text()


def _checkpoint(data: bytes) -> None:
    tree = only(lambda: open_checkpoint(_text(data), [PUBLIC]), CheckpointFault)
    assert tree in (None, TREE), "a checkpoint opens that nobody signed"


def _proof(data: bytes) -> None:
    read = only(lambda: read_leaf_proof(_text(data)), CheckpointFault)
    if read is None:
        return
    assert read.text() == _text(data), "a proof has two texts"
    if only(lambda: read.tree([PUBLIC]), CheckpointFault):
        assert read.payload == _PAYLOADS[read.position], "a leaf passes that is not in the tree"


def _verifier(data: bytes) -> None:
    key = only(lambda: Verifier.read(_text(data)), LedgerKeyFault)
    assert key is None or Verifier.read(key.text) == key, "a key does not read what it writes"


def _key(data: bytes) -> None:
    told = ""
    try:
        assert len(LedgerKey.read(data).public) == 32
    except LedgerKeyFault as fault:
        told = str(fault)
    assert told in ("", "not a private key in PEM", "not an Ed25519 key"), "a message repeats what came"


def pem_key(der: bytes) -> bytes:
    """A private key in PEM."""
    return b"-----BEGIN PRIVATE KEY-----\n" + encodebytes(der) + b"-----END PRIVATE KEY-----\n"


def _der(key: Ed25519PrivateKey | EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def _text(data: bytes) -> str:
    """Text as JSON may hold it: an unpaired surrogate, too."""
    return data.decode("utf-8", "surrogateescape")


CHECKPOINT = Target(
    "checkpoint",
    _checkpoint,
    (
        NOTE.encode(),
        KEY.sealed("jukinet.test/pref/fuhyo", TREE).encode(),
        NOTE.replace("7\n", "07\n").encode(),
    ),
)
LEAF_PROOF = Target("leaf-proof", _proof, (PROOF.encode(), PROOF.replace("index 4", "index 3").encode()))
VERIFIER = Target("verifier", _verifier, (PUBLIC.text.encode(),))
_ED25519, _EC = _der(KEY.key), _der(generate_private_key(SECP256R1()))
_ALGORITHM, _CURVE = b"\x2b\x65\x70", b"\x2a\x86\x48\xce\x3d\x03\x01\x07"
# X448 of 32 bytes: the library says that it is itself at fault (as in pyca/cryptography issue 13050).
STRANGE_KEY = _ED25519.replace(_ALGORITHM, b"\x2b\x65\x6f")
_PEM = pem_key(_ED25519)
LEDGER_KEY = Target(
    "ledger-key",
    _key,
    (
        _PEM,
        pem_key(STRANGE_KEY),
        pem_key(_ED25519.replace(_ALGORITHM, b"\x2b\x65\x6e")),
        pem_key(_ED25519.replace(_ALGORITHM, b"\x2b\x65\x7f")),
        pem_key(_EC),
        pem_key(_EC.replace(_CURVE, _CURVE[:-1] + b"\x7f")),
        _PEM.replace(b"PRIVATE", b"ENCRYPTED PRIVATE"),
        b"",
    ),
)
