"""The worked example of docs/protocol.md holds: signatures, digest and leaves, by its own formulas."""

import base64
import hashlib
import json
from typing import Any

from cryptography.x509 import load_pem_x509_certificate

from generate import ROOT
from jukinet_daemon.keys import verifying_key
from jukinet_daemon.pki.peer import identity_of
from jukinet_daemon.wire.envelope import PARCEL_TYPE, REPLY_TYPE, unseal
from jukinet_daemon.wire.parcel import read_parcel
from jukinet_daemon.wire.reply import read_reply

EXAMPLE: dict[str, Any] = json.loads((ROOT / "docs/protocol-example.json").read_text("utf-8"))
PARCEL, REPLY = EXAMPLE["parcel"], EXAMPLE["reply"]


def test_the_signatures_hold_under_the_certificates() -> None:
    sender = load_pem_x509_certificate(EXAMPLE["sender_certificate"].encode())
    server = load_pem_x509_certificate(EXAMPLE["server_certificate"].encode())
    assert identity_of(sender).uri == "spiffe://jukinet.test/cs/401307"
    assert identity_of(server).uri == "spiffe://jukinet.test/pref/juki"
    assert unseal(PARCEL, PARCEL_TYPE, verifying_key(sender)).decode() == EXAMPLE["parcel_payload"]
    assert unseal(REPLY, REPLY_TYPE, verifying_key(server)).decode() == EXAMPLE["reply_payload"]


def test_the_reply_answers_the_parcel_and_its_leaves_open() -> None:
    reply = read_reply(EXAMPLE["reply_payload"].encode())
    parcel = read_parcel(EXAMPLE["parcel_payload"].encode())
    assert _bytes(reply.parcel_digest) == hashlib.sha256(PARCEL.encode()).digest()
    assert [answer.id for answer in reply.answers] == [notice["id"] for notice in parcel.notices]
    for place, (answer, payload) in enumerate(zip(reply.answers, EXAMPLE["leaf_payloads"], strict=True)):
        said = json.loads(payload)
        assert (said["id"], said["code"], said["position"]) == (answer.id, answer.code, place)
        commitment = hashlib.sha256(_bytes(answer.salt or "") + payload.encode()).digest()
        assert hashlib.sha256(b"\x00" + commitment).digest() == _bytes(answer.leaf or "")


def test_the_document_prints_what_the_example_holds() -> None:
    text = (ROOT / "docs/protocol.md").read_text("utf-8")
    printed = [EXAMPLE["parcel_payload"], EXAMPLE["reply_payload"], EXAMPLE["leaf_payloads"][0]]
    for jws in (PARCEL, REPLY):
        header, _, signature = jws.split(".")
        printed += [header, signature]
    assert [part for part in printed if part not in text] == []


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
