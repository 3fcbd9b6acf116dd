"""A leaf by the letter of RFC 9162 2.1.1, worked out here a second time."""

from hashlib import sha256

import pytest

from jukinet_daemon.ledger.leaf import SALT_BYTES, leaf_of, new_salt


@pytest.mark.parametrize("payload", ["", '{"code":"A100"}', '{"name":"神\\u0000"}', "神\U000e0100葛" * 1000])
def test_a_leaf_is_the_prefixed_hash_of_a_salted_commitment(payload: str) -> None:
    salt = bytes(range(16))
    inner, outer = sha256(), sha256()
    inner.update(salt)
    inner.update(payload.encode("utf-8"))
    outer.update(b"\x00")
    outer.update(inner.digest())
    leaf = leaf_of(payload, salt)
    assert (leaf.hash, leaf.salt, leaf.payload) == (outer.digest(), salt, payload)


def test_a_known_leaf() -> None:
    # printf '\0' | cat - <(printf 'salt{}' | openssl dgst -sha256 -binary) | openssl dgst -sha256
    assert (
        leaf_of("{}", b"salt").hash.hex()
        == "7f5ed0ec81ec9216673555ebed52518caf87748e1f93d13a3903dc1222fa058b"
    )


def test_the_same_payload_has_another_leaf_under_another_salt() -> None:
    salts = {new_salt() for _ in range(100)}
    assert len(salts) == 100
    assert {len(salt) for salt in salts} == {SALT_BYTES}
    assert len({leaf_of("{}", salt).hash for salt in salts}) == 100
