"""A checkpoint is a signed note of C2SP, to the letter; openssl verifies it too; nothing else opens."""

import base64
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

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

ORIGIN = "jukinet.test/pref/juki"
# The key of RFC 8032 7.1, test 1.
KEY = LedgerKey(
    Ed25519PrivateKey.from_private_bytes(
        bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    )
)
PUBLIC = Verifier(ORIGIN, KEY.public)
TREE = Tree(5, bytes(range(32)))
NOTE = KEY.sealed(ORIGIN, TREE)


def test_the_note_is_that_of_c2sp() -> None:
    body, _, signature = NOTE.partition("\n\n")
    assert body == f"{ORIGIN}\n5\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    name, raw = signature.removeprefix("— ").removesuffix("\n").split(" ")
    key_id = sha256(ORIGIN.encode() + b"\n\x01" + KEY.public).digest()[:4]
    assert (name, base64.b64decode(raw)[:4]) == (ORIGIN, key_id)
    Ed25519PublicKey.from_public_bytes(KEY.public).verify(base64.b64decode(raw)[4:], f"{body}\n".encode())


def test_a_known_note_of_another_implementation() -> None:
    """The example of Go's package note: its key, its text, its signature."""
    key = Verifier.read("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    first = "If you think cryptography is the answer to your problem,"
    text = f"{first}\nthen you don't know what your problem is.\n"
    signature = base64.b64decode(
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    )
    assert signature[:4] == key.id
    assert key.holds(text, signature[4:])
    assert not key.holds(text.upper(), signature[4:])
    with pytest.raises(LedgerKeyFault, match="does not fit"):
        Verifier.read(key.text.replace("c74f20a3", "c74f20a4"))
    assert Verifier.read(key.text) == key


@pytest.mark.parametrize(
    "text", ["", "a", "a+00000000", "a+00000000+AQ==", "a+00000000+****", f"a {PUBLIC.text}"]
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(LedgerKeyFault):
        Verifier.read(text)


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_openssl_makes_the_key_and_verifies_the_signature(tmp_path: Path) -> None:
    key, public, body, signature = (
        tmp_path / name for name in ("key.pem", "public.pem", "body", "signature")
    )
    subprocess.run(("openssl", "genpkey", "-algorithm", "ed25519", "-out", key), check=True)
    own = LedgerKey.read(key.read_bytes())
    note = own.sealed(ORIGIN, TREE)
    public.write_bytes(own.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    text, _, line = note.partition("\n\n")
    body.write_text(f"{text}\n", "utf-8")
    signature.write_bytes(base64.b64decode(line.split(" ")[2])[4:])
    command = ("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in", body)
    done = subprocess.run((*command, "-sigfile", signature), capture_output=True, text=True, check=False)
    assert "Verified Successfully" in done.stdout


def test_a_checkpoint_opens_by_its_key() -> None:
    other = Verifier(ORIGIN, bytes(32))
    assert open_checkpoint(NOTE, [other, PUBLIC]) == TREE
    cosigned = f"{NOTE}— witness.example {base64.b64encode(bytes(76)).decode()}\n"
    assert open_checkpoint(cosigned, [PUBLIC]) == TREE


SPOILT = {
    "another size": NOTE.replace("\n5\n", "\n6\n"),
    "another root": NOTE.replace("AAEC", "AAED"),
    "another log": NOTE.replace("juki", "fuhyo"),
    "another log in the text alone": NOTE.replace("juki\n5", "fuhyo\n5"),
    "a leading zero": NOTE.replace("\n5\n", "\n05\n"),
    "no size": NOTE.replace("\n5\n", "\n0\n"),
    "a line more": NOTE.replace("\n\n", "\nmore\n\n"),
    "no signature": NOTE.partition("\n\n")[0] + "\n\n",
    "no end": NOTE[:-1],
    "something after": f"{NOTE}more\n",
    "a hyphen": NOTE.replace("—", "-"),
    "carriage returns": NOTE.replace("\n", "\r\n"),
    "full-width": NOTE.replace("\n5\n", "\n５\n"),
    "base64 of another form": NOTE.replace("Hh8=", "Hh9="),
    "too long": NOTE + f"— a {'A' * 4000}\n",
    "NUL in another's name": f"{NOTE}— a\0b AAAA\n",
    "half a surrogate pair in another's name": f"{NOTE}— a\ud800b AAAA\n",
    "nothing": "",
}


@pytest.mark.parametrize("case", SPOILT)
def test_what_differs_does_not_open(case: str) -> None:
    assert SPOILT[case] != NOTE
    with pytest.raises(CheckpointFault):
        open_checkpoint(SPOILT[case], [PUBLIC])


def test_another_key_does_not_open_it() -> None:
    for key in (Verifier(ORIGIN, bytes(32)), Verifier("jukinet.test/pref/fuhyo", KEY.public)):
        with pytest.raises(CheckpointFault, match="not signed"):
            open_checkpoint(NOTE, [key])


def test_every_changed_character_is_seen() -> None:
    for place in range(len(NOTE)):
        spoilt = NOTE[:place] + chr(ord(NOTE[place]) ^ 1) + NOTE[place + 1 :]
        with pytest.raises(CheckpointFault):
            open_checkpoint(spoilt, [PUBLIC])


def test_a_proof_of_one_leaf_verifies_by_its_text_alone() -> None:
    salts = [bytes([n]) * 16 for n in range(7)]
    leaves = [leaf_of(f'{{"n":{n}}}', salt).hash for n, salt in enumerate(salts)]
    note = KEY.sealed(ORIGIN, Tree(7, root_of(leaves)))
    proof = LeafProof(salts[4], '{"n":4}', 4, tuple(path_of(4, leaves)), note)
    assert read_leaf_proof(proof.text()) == proof
    assert read_leaf_proof(proof.text()).tree([PUBLIC]) == Tree(7, root_of(leaves))
    text = proof.text()
    for place in range(len(text)):
        spoilt = text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]
        with pytest.raises(CheckpointFault):
            read_leaf_proof(spoilt).tree([PUBLIC])


@pytest.mark.parametrize("pem", [b"", b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_private_key_is_refused(pem: bytes) -> None:
    with pytest.raises(LedgerKeyFault):
        LedgerKey.read(pem)
