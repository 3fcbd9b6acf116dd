"""Only what was signed by this very certificate, for this very purpose, opens."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from jukinet_daemon.wire.envelope import (
    MAX_SIGNED_BYTES,
    PARCEL_TYPE,
    REPLY_TYPE,
    SignatureFault,
    SigningKey,
    VerifyingKey,
    base64url,
    digest_of,
    seal,
    unseal,
)
from jukinet_daemon.wire.kept import kept_form, signed_again

PRIVATE = ec.generate_private_key(ec.SECP256R1())
SIGNING = SigningKey.of(PRIVATE, "thumbprint")
VERIFYING = VerifyingKey.of(PRIVATE.public_key(), "thumbprint")
PAYLOAD = '{"name":"髙"}'.encode()
SOUND = seal(PAYLOAD, PARCEL_TYPE, SIGNING)
HEADER = {"alg": "ES256", "typ": PARCEL_TYPE, "x5t#S256": "thumbprint"}


def part(value: Any) -> str:
    return base64url(json.dumps(value).encode())


def es256(body: str) -> str:
    r, s = decode_dss_signature(PRIVATE.sign(body.encode(), ec.ECDSA(SHA256())))
    return base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def signed_by_hand(header: Any, payload: bytes = PAYLOAD) -> str:
    """A JWS made without the library under test: a true ES256 signature over any header."""
    body = f"{part(header)}.{base64url(payload)}"
    return f"{body}.{es256(body)}"


def spoil(text: str, place: int) -> str:
    return text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]


def test_what_was_sealed_opens_to_the_byte() -> None:
    assert unseal(SOUND, PARCEL_TYPE, VERIFYING) == PAYLOAD


def test_a_jws_of_another_maker_opens_too() -> None:
    # Holds the hand-made ones below to be sound but for what each test spoils.
    assert unseal(signed_by_hand(HEADER), PARCEL_TYPE, VERIFYING) == PAYLOAD


@pytest.mark.parametrize(
    "header",
    [
        {**HEADER, "typ": REPLY_TYPE},
        {**HEADER, "typ": "JWT"},
        {**HEADER, "typ": PARCEL_TYPE.upper()},
        {**HEADER, "x5t#S256": "another"},
        {**HEADER, "alg": "ES384"},
        {**HEADER, "alg": "none"},
        {**HEADER, "crit": ["exp"], "exp": 1},
        {name: value for name, value in HEADER.items() if name != "typ"},
        {name: value for name, value in HEADER.items() if name != "x5t#S256"},
        {name: value for name, value in HEADER.items() if name != "alg"},
        [],
        "ES256",
        None,
    ],
    ids=str,
)
def test_a_true_signature_over_another_header_does_not_open(header: Any) -> None:
    with pytest.raises(SignatureFault):
        unseal(signed_by_hand(header), PARCEL_TYPE, VERIFYING)


def test_an_unencoded_payload_does_not_open() -> None:
    body = f"{part({**HEADER, 'b64': False, 'crit': ['b64']})}.{PAYLOAD.decode()}"
    with pytest.raises(SignatureFault):
        unseal(f"{body}.{es256(body)}", PARCEL_TYPE, VERIFYING)


@pytest.mark.parametrize("critical", [1, True])
def test_a_crit_that_is_no_list_is_a_fault_like_any_other(critical: Any) -> None:
    with pytest.raises(SignatureFault):
        unseal(signed_by_hand({**HEADER, "crit": critical}), PARCEL_TYPE, VERIFYING)


def test_a_reply_is_not_a_parcel() -> None:
    with pytest.raises(SignatureFault):
        unseal(seal(PAYLOAD, REPLY_TYPE, SIGNING), PARCEL_TYPE, VERIFYING)


def test_another_key_under_the_same_thumbprint_does_not_open() -> None:
    other = SigningKey.of(ec.generate_private_key(ec.SECP256R1()), "thumbprint")
    with pytest.raises(SignatureFault):
        unseal(seal(PAYLOAD, PARCEL_TYPE, other), PARCEL_TYPE, VERIFYING)


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_the_public_key_is_no_hmac_secret(encoding: Encoding) -> None:
    body = f"{part({**HEADER, 'alg': 'HS256'})}.{base64url(PAYLOAD)}"
    secret = PRIVATE.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
    mac = base64url(hmac.digest(secret, body.encode(), hashlib.sha256))
    with pytest.raises(SignatureFault):
        unseal(f"{body}.{mac}", PARCEL_TYPE, VERIFYING)


def test_no_signature_at_all_does_not_open() -> None:
    header, payload, _ = SOUND.split(".")
    for text in (
        f"{part({**HEADER, 'alg': 'none'})}.{payload}.",
        f"{header}.{payload}.",
        f"{header}.{payload}",
    ):
        with pytest.raises(SignatureFault):
            unseal(text, PARCEL_TYPE, VERIFYING)


@pytest.mark.parametrize("section", [0, 1, 2])
def test_one_changed_character_anywhere_closes_it(section: int) -> None:
    parts = SOUND.split(".")
    for place in (0, len(parts[section]) // 2):
        changed = [*parts]
        changed[section] = spoil(parts[section], place)
        with pytest.raises(SignatureFault):
            unseal(".".join(changed), PARCEL_TYPE, VERIFYING)


@pytest.mark.parametrize("stuff", ["\n", " ", "=", "!", "\0", "é", "あ", "."])
def test_nothing_can_be_put_between_so_one_parcel_has_one_text(stuff: str) -> None:
    # A lenient base64 would give one signature many digests.
    for place in (SOUND.index(".") + 3, len(SOUND) - 3, len(SOUND)):
        with pytest.raises(SignatureFault):
            unseal(SOUND[:place] + stuff + SOUND[place:], PARCEL_TYPE, VERIFYING)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_a_truncated_one_does_not_open(share: float) -> None:
    with pytest.raises(SignatureFault):
        unseal(SOUND[: int(len(SOUND) * share)], PARCEL_TYPE, VERIFYING)


@pytest.mark.parametrize(
    "text", ["", ".", "..", "...", "a.b.c", "{}", '{"payload":"","signatures":[]}', "\ud800"]
)
def test_what_is_no_jws_does_not_open(text: str) -> None:
    with pytest.raises(SignatureFault):
        unseal(text, PARCEL_TYPE, VERIFYING)


@pytest.mark.parametrize("bomb", [b"[", b'{"a":'])
def test_a_header_nested_without_end_does_not_open(bomb: bytes) -> None:
    with pytest.raises(SignatureFault):
        unseal(f"{base64url(bomb * 50_000)}.{base64url(PAYLOAD)}.AAAA", PARCEL_TYPE, VERIFYING)


def test_more_than_the_limit_does_not_open() -> None:
    with pytest.raises(SignatureFault):
        unseal(signed_by_hand(HEADER, b" " * (MAX_SIGNED_BYTES + 1)), PARCEL_TYPE, VERIFYING)


def test_a_large_parcel_within_the_limit_opens() -> None:
    payload = b" " * (MAX_SIGNED_BYTES * 3 // 4 - 500)
    signed = seal(payload, PARCEL_TYPE, SIGNING)
    assert len(signed) <= MAX_SIGNED_BYTES
    assert unseal(signed, PARCEL_TYPE, VERIFYING) == payload


def test_the_digest_is_sha_256_of_the_text() -> None:
    # printf abc | openssl dgst -sha256 -binary | base64, in the URL alphabet
    assert digest_of("abc") == digest_of(b"abc") == "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"


def test_a_fault_does_not_quote_the_message() -> None:
    with pytest.raises(SignatureFault) as fault:
        unseal(SOUND[:-4], PARCEL_TYPE, VERIFYING)
    assert SOUND[10:30] not in repr(fault.value)
    assert "thumbprint" not in repr(fault.value)


@pytest.mark.parametrize("length", [10, 5000, 200_000])
def test_a_signed_text_comes_back_word_for_word_from_its_kept_form(length: int) -> None:
    signed = "eyJ" + "x.-_" * (length // 4)
    kept = kept_form(signed)
    assert signed_again(kept) == signed
    assert len(kept) <= len(signed)


@pytest.mark.parametrize("before", [" ", "\n", "  ", ""])
def test_a_header_that_another_maker_laid_out_comes_back_word_for_word_too(before: str) -> None:
    """JSON may begin with white space: then its base64url begins otherwise."""
    body = f"{base64url((before + json.dumps(HEADER)).encode())}.{base64url(PAYLOAD)}"
    signed = f"{body}.{es256(body)}"
    assert unseal(signed, PARCEL_TYPE, VERIFYING) == PAYLOAD
    assert signed_again(kept_form(signed)) == signed
