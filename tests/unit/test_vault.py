"""A sealed value opens at its own place under its own key version, and shows nothing of itself."""

import base64
import random
import secrets
from itertools import count
from pathlib import Path

import pytest

from jukinet_daemon.vault.fields import Vault, VaultFault
from jukinet_daemon.vault.keyring import Keyring, KeyringFault, new_keyring_text, read_keyring, write_keyring

OLD, NEW = secrets.token_bytes(32), secrets.token_bytes(32)
NUMBER = b"379474484458"
PLACE = "history/individual_number/1/2"

FINGERPRINT = secrets.token_bytes(32)


def _ring(keys: dict[int, bytes], current: int) -> Keyring:
    return Keyring(keys, current, FINGERPRINT)


def test_a_value_opens_where_it_was_sealed() -> None:
    vault = Vault(_ring({1: OLD}, 1))
    assert vault.open(PLACE, vault.seal(PLACE, NUMBER)) == NUMBER


def test_sealing_twice_gives_two_ciphertexts_and_neither_shows_the_value() -> None:
    vault = Vault(_ring({1: OLD}, 1))
    first, second = vault.seal(PLACE, NUMBER), vault.seal(PLACE, NUMBER)
    assert first != second
    assert NUMBER not in first


@pytest.mark.parametrize(
    "place",
    [
        "history/individual_number/1/3",
        "history/individual_number/2/2",
        "history/previous_number/1/2",
        "history/individual_number/12",
        "",
    ],
)
def test_a_value_moved_to_another_place_does_not_open(place: str) -> None:
    vault = Vault(_ring({1: OLD}, 1))
    with pytest.raises(VaultFault):
        vault.open(place, vault.seal(PLACE, NUMBER))


def test_no_changed_or_missing_byte_opens() -> None:
    vault = Vault(_ring({1: OLD, 2: NEW}, 2))
    sealed = vault.seal(PLACE, NUMBER)
    for at in range(len(sealed)):
        with pytest.raises(VaultFault):
            vault.open(PLACE, sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :])
        with pytest.raises(VaultFault):
            vault.open(PLACE, sealed[:at])


def test_after_rotation_old_values_open_and_new_ones_need_the_new_key() -> None:
    before, after = Vault(_ring({1: OLD}, 1)), Vault(_ring({1: OLD, 2: NEW}, 2))
    assert after.open(PLACE, before.seal(PLACE, NUMBER)) == NUMBER
    with pytest.raises(VaultFault):
        before.open(PLACE, after.seal(PLACE, NUMBER))


def test_a_version_cannot_be_passed_off_as_another_with_the_same_key() -> None:
    vault = Vault(_ring({1: OLD, 2: OLD}, 1))
    sealed = vault.seal(PLACE, NUMBER)
    with pytest.raises(VaultFault):
        vault.open(PLACE, b"\x00\x02" + sealed[2:])


def test_index_and_fingerprint_stay_the_same_over_a_rotation_and_a_restart() -> None:
    before, after = Vault(_ring({1: OLD}, 1)), Vault(_ring({2: NEW, 1: OLD}, 2))
    stored = before.index("individual_number", "379474484458")
    assert stored in after.indexes("individual_number", "379474484458")
    assert after.index("individual_number", "379474484458") in after.indexes(
        "individual_number", "379474484458"
    )
    assert before.fingerprint(b"notice") == after.fingerprint(b"notice")
    assert before.mark("bridge/code", "1") == after.mark("bridge/code", "1")
    assert before.mark("bridge/code", "1") != after.mark("bridge/key", "1")


def test_a_vault_takes_up_a_renewed_ring_at_once() -> None:
    vault = Vault(_ring({1: OLD}, 1))
    old = vault.seal(PLACE, NUMBER)
    vault.renew(vault.ring.added())
    assert vault.seal(PLACE, NUMBER)[:2] == b"\x00\x01"
    vault.renew(vault.ring.using(2))
    new = vault.seal(PLACE, NUMBER)
    assert (vault.open(PLACE, old), vault.open(PLACE, new), new[:2]) == (NUMBER, NUMBER, b"\x00\x02")
    vault.renew(vault.ring.without(1))
    assert vault.open(PLACE, new) == NUMBER
    with pytest.raises(VaultFault, match="not in the key ring"):
        vault.open(PLACE, old)


def test_the_key_that_writes_cannot_be_taken_out() -> None:
    ring = _ring({1: OLD, 2: NEW}, 2)
    with pytest.raises(KeyringFault, match="is the current one"):
        ring.without(2)
    for missing in (ring.without, ring.using):
        with pytest.raises(KeyringFault, match="not in the key ring"):
            missing(3)
    with pytest.raises(KeyringFault, match="no key version after"):
        _ring({65535: OLD}, 65535).added()


def test_a_nonce_that_repeats_shows_equality_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 8452: a restored snapshot may repeat random bytes; GCM would then give values and key away."""
    monkeypatch.setattr("jukinet_daemon.vault.fields.os.urandom", bytes)
    vault = Vault(_ring({1: OLD}, 1))
    sealed = [vault.seal(PLACE, value) for value in (NUMBER, NUMBER, b"379474484459")]
    assert sealed[0] == sealed[1]
    bodies = [text[14:] for text in (sealed[0], sealed[2])]
    # Under a stream cipher the exclusive or of two ciphertexts is that of the values: all zeros but the end.
    mixed = bytes(a ^ b for a, b in zip(*bodies, strict=True))
    assert sum(byte == 0 for byte in mixed[:11]) < 6
    assert vault.open(PLACE, sealed[2]) == b"379474484459"


def test_ten_thousand_values_in_anothers_place_do_not_open() -> None:
    vault = Vault(_ring({1: OLD, 2: NEW}, 1))
    chance = random.Random(0)
    columns = ("individual_number", "previous_number")
    places = [f"history/{column}/{person}/{v}" for column in columns for person in range(500) for v in (1, 2)]
    sealed = {place: vault.seal(place, NUMBER) for place in places}
    for _ in range(10_000):
        here, there = chance.sample(places, 2)
        with pytest.raises(VaultFault):
            vault.open(here, sealed[there])
    assert all(vault.open(place, text) == NUMBER for place, text in sealed.items())


def test_index_tells_columns_values_and_keys_apart() -> None:
    vault, other = Vault(_ring({1: OLD}, 1)), Vault(_ring({1: NEW}, 1))
    indexes = {
        vault.index("individual_number", "1"),
        vault.index("individual_number", "2"),
        vault.index("resident_code", "1"),
        other.index("individual_number", "1"),
        vault.fingerprint(b"individual_number\x001")[:16],
    }
    assert len(indexes) == 5


def _file(folder: Path, text: str) -> Path:
    path = folder / "keyring.toml"
    path.touch(0o600)
    path.write_text(text, "utf-8")
    return path


def test_a_new_key_file_is_read_back_and_no_two_are_the_same(tmp_path: Path) -> None:
    ring = read_keyring(_file(tmp_path, new_keyring_text()))
    assert (ring.current, len(ring.keys[1])) == (1, 32)
    assert new_keyring_text() != new_keyring_text()


KEY = base64.b64encode(OLD).decode()
PRINT = f'fingerprint = "{KEY}"\n'


@pytest.mark.parametrize(
    "text",
    [
        f'current = 2\n{PRINT}[keys]\n1 = "{KEY}"\n',
        f'{PRINT}[keys]\n1 = "{KEY}"\n',
        f"current = 1\n{PRINT}",
        f"current = 1\n{PRINT}keys = 3\n",
        f'current = 1\n{PRINT}[keys]\n1 = "c2hvcnQ="\n',
        f'current = 1\n{PRINT}[keys]\n1 = "{KEY}"\n2 = "c2hvcnQ="\n',
        f'current = 1\n{PRINT}[keys]\nfirst = "{KEY}"\n',
        f'current = 1\n{PRINT}[keys]\n1 = "{KEY}!"\n',
        f'current = 0\n{PRINT}[keys]\n0 = "{KEY}"\n',
        f'current = 65536\n{PRINT}[keys]\n65536 = "{KEY}"\n',
        f'current = 1\n[keys]\n1 = "{KEY}"\n',
        f'current = 1\nfingerprint = "c2hvcnQ="\n[keys]\n1 = "{KEY}"\n',
        "not toml",
        f'current = "1"\n{PRINT}[keys]\n1 = "{KEY}"\n',
    ],
    ids=map(str, count(1)),
)
def test_a_key_file_that_is_not_whole_is_refused_and_not_quoted(tmp_path: Path, text: str) -> None:
    with pytest.raises(KeyringFault) as fault:
        read_keyring(_file(tmp_path, text))
    assert KEY[:8] not in str(fault.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o666])
def test_a_key_file_that_others_can_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    path = _file(tmp_path, new_keyring_text())
    path.chmod(mode)
    with pytest.raises(KeyringFault, match=f"mode {mode:04o}"):
        read_keyring(path)


def test_a_credential_of_systemd_is_given_out_by_acl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _file(tmp_path, new_keyring_text())
    path.chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert read_keyring(path).current == 1
    path.chmod(0o444)
    with pytest.raises(KeyringFault, match="mode 0444"):
        read_keyring(path)


def test_a_missing_key_file_is_a_fault_of_the_same_kind(tmp_path: Path) -> None:
    with pytest.raises(KeyringFault, match="No such file"):
        read_keyring(tmp_path / "nowhere.toml")


def test_a_ring_is_replaced_whole_and_stays_closed_to_others(tmp_path: Path) -> None:
    path = _file(tmp_path, new_keyring_text())
    (tmp_path / "keyring.toml.new").write_text("what a killed rotation left")
    ring = read_keyring(path).added().using(2)
    write_keyring(path, ring)
    assert read_keyring(path) == ring
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
