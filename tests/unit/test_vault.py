"""A sealed value opens at its own place under its own key version, and shows nothing of itself."""

import base64
import secrets
from pathlib import Path

import pytest

from jukinet_daemon.vault.fields import Vault, VaultFault
from jukinet_daemon.vault.keyring import Keyring, KeyringFault, new_keyring_text, read_keyring

OLD, NEW = secrets.token_bytes(32), secrets.token_bytes(32)
NUMBER = b"379474484458"
PLACE = "history/individual_number/1/2"


def test_a_value_opens_where_it_was_sealed() -> None:
    vault = Vault(Keyring({1: OLD}, 1))
    assert vault.open(PLACE, vault.seal(PLACE, NUMBER)) == NUMBER


def test_sealing_twice_gives_two_ciphertexts_and_neither_shows_the_value() -> None:
    vault = Vault(Keyring({1: OLD}, 1))
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
    vault = Vault(Keyring({1: OLD}, 1))
    with pytest.raises(VaultFault):
        vault.open(place, vault.seal(PLACE, NUMBER))


def test_no_changed_or_missing_byte_opens() -> None:
    vault = Vault(Keyring({1: OLD, 2: NEW}, 2))
    sealed = vault.seal(PLACE, NUMBER)
    for at in range(len(sealed)):
        with pytest.raises(VaultFault):
            vault.open(PLACE, sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :])
        with pytest.raises(VaultFault):
            vault.open(PLACE, sealed[:at])


def test_after_rotation_old_values_open_and_new_ones_need_the_new_key() -> None:
    before, after = Vault(Keyring({1: OLD}, 1)), Vault(Keyring({1: OLD, 2: NEW}, 2))
    assert after.open(PLACE, before.seal(PLACE, NUMBER)) == NUMBER
    with pytest.raises(VaultFault):
        before.open(PLACE, after.seal(PLACE, NUMBER))


def test_a_version_cannot_be_passed_off_as_another_with_the_same_key() -> None:
    vault = Vault(Keyring({1: OLD, 2: OLD}, 1))
    sealed = vault.seal(PLACE, NUMBER)
    with pytest.raises(VaultFault):
        vault.open(PLACE, b"\x00\x02" + sealed[2:])


def test_index_and_fingerprint_stay_the_same_over_a_rotation_and_a_restart() -> None:
    before, after = Vault(Keyring({1: OLD}, 1)), Vault(Keyring({2: NEW, 1: OLD}, 2))
    assert before.index("individual_number", "379474484458") == after.index(
        "individual_number", "379474484458"
    )
    assert before.fingerprint(b"notice") == after.fingerprint(b"notice")


def test_index_tells_columns_values_and_keys_apart() -> None:
    vault, other = Vault(Keyring({1: OLD}, 1)), Vault(Keyring({1: NEW}, 1))
    indexes = {
        vault.index("individual_number", "1"),
        vault.index("individual_number", "2"),
        vault.index("resident_code", "1"),
        other.index("individual_number", "1"),
        vault.fingerprint(b"individual_number\x001")[:16],
    }
    assert len(indexes) == 5


def test_a_new_key_file_is_read_back_and_no_two_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "keyring.toml"
    path.write_text(new_keyring_text(), "utf-8")
    ring = read_keyring(path)
    assert (ring.current, len(ring.keys[1])) == (1, 32)
    assert new_keyring_text() != new_keyring_text()


KEY = base64.b64encode(OLD).decode()


@pytest.mark.parametrize(
    "text",
    [
        f'current = 2\n[keys]\n1 = "{KEY}"\n',
        f'[keys]\n1 = "{KEY}"\n',
        "current = 1\n",
        "current = 1\nkeys = 3\n",
        'current = 1\n[keys]\n1 = "c2hvcnQ="\n',
        f'current = 1\n[keys]\n1 = "{KEY}"\n2 = "c2hvcnQ="\n',
        f'current = 1\n[keys]\nfirst = "{KEY}"\n',
        f'current = 1\n[keys]\n1 = "{KEY}!"\n',
        "not toml",
        f'current = "1"\n[keys]\n1 = "{KEY}"\n',
    ],
)
def test_a_key_file_that_is_not_whole_is_refused_and_not_quoted(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keyring.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(KeyringFault) as fault:
        read_keyring(path)
    assert KEY[:8] not in str(fault.value)


def test_a_missing_key_file_is_a_fault_of_the_same_kind(tmp_path: Path) -> None:
    with pytest.raises(KeyringFault):
        read_keyring(tmp_path / "nowhere.toml")
