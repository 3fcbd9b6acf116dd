"""What a start would refuse is told by check-config, all of it, and by jukinetd itself in the same words."""

import os
import re
from base64 import b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from structlog.testing import capture_logs

from jukinet_daemon.cli import jukinetctl, jukinetd
from jukinet_daemon.pki.peer import Role
from support.world import TRUST_DOMAIN, Pki, write_keyring

ROOT = Path(__file__).parents[2]
AREAS = "code,name,name_kana,kind,designated_city,population\n"
PACKAGED_PIN = "A" * 43


@pytest.fixture
def packaged(tmp_path: Path, pki: Pki) -> str:
    """The packaged configuration of juki as somebody has it who put in everything that is his own."""
    files, key = pki.files(Role.PREF, "juki"), Ed25519PrivateKey.generate()
    ring, seal = write_keyring(tmp_path), tmp_path / "ledger.pem"
    seal.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = b64encode(key.public_key().public_bytes_raw()).decode()
    text = (ROOT / "packaging" / "juki.toml").read_text("utf-8")
    for pattern, own in (
        ('jukinet.example"', f'{TRUST_DOMAIN}"'),
        ("/etc/jukinet/pki/juki.pem", str(files.certificate)),
        ("credential:tls-key", str(files.key)),
        ("/etc/jukinet/pki/ca.pem", str(files.ca)),
        ("/etc/jukinet/pki/peers.crl", str(files.crl)),
        ("credential:keyring", str(ring)),
        ("credential:ledger-key", str(seal)),
        (r"(?m)^keys = .*", f'keys = ["{public}"]'),
        (r"(?m)^pins = .*", f'pins = ["{"B" * 43}"]'),
    ):
        text, count = re.subn(pattern, own, text)
        assert count == 1, pattern
    return text


def _checked(folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    path = folder / "juki.toml"
    path.write_text(text, "utf-8")
    status = jukinetctl.main(["check-config", "--config", str(path)])
    return status, "".join(capsys.readouterr())


def test_a_configuration_with_everything_of_its_own_is_sound(
    packaged: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, told = _checked(tmp_path, packaged, capsys)
    assert (status, "正しい設定です" in told) == (0, True), told


WRONG = {
    "another server's trust domain": (f'"{TRUST_DOMAIN}"', '"example.org"', "[tls]: "),
    "a wrong check digit": ('"400009"', '"400008"', "prefecture: "),
    "another prefecture": ('"400009"', '"130001"', "prefecture: 130001: "),
    "a packaged pin": ("B" * 43, PACKAGED_PIN, "bridge.pins: "),
    "a packaged ledger key": (
        r"(?m)^keys = .*",
        'keys = ["11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="]',
        "ledger.keys: ",
    ),
    "another ledger key": (
        r"(?m)^keys = .*",
        f'keys = ["{b64encode(bytes(31) + b"1").decode()}"]',
        "seal.key: ",
    ),
    "a ledger key that is none": (r'[^"]*ledger.pem', "FOLDER/none", "seal.key: "),
    "a ring that is none": (r"ring = .*", 'ring = "FOLDER/none"', "keys.ring: "),
    "areas that are none": (r"\[notices\]", '[rules]\nareas = "FOLDER/none"\n[notices]', "[rules]: "),
    "areas of no municipality": (r"\[notices\]", '[rules]\nareas = "FOLDER/areas"\n[notices]', "[rules]: "),
}


@pytest.mark.parametrize(("pattern", "other", "says"), WRONG.values(), ids=WRONG)
def test_what_a_start_refuses_is_told(
    packaged: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    pattern: str,
    other: str,
    says: str,
) -> None:
    (tmp_path / "none").write_text("nothing", "utf-8")
    (tmp_path / "areas").write_text(AREAS + "401308,福岡市,,city,,1\n", "utf-8")
    text, count = re.subn(pattern, other.replace("FOLDER", str(tmp_path)), packaged)
    assert count == 1
    status, told = _checked(tmp_path, text, capsys)
    assert (status, told.count(f"  {says}")) == (1, 1), told


def test_the_other_registers_certificate_is_refused_even_where_its_key_is_the_units_own(
    packaged: str, tmp_path: Path, pki: Pki, capsys: pytest.CaptureFixture[str]
) -> None:
    own, other = pki.files(Role.PREF, "juki"), pki.files(Role.PREF, "fuhyo")
    text = packaged.replace(str(own.certificate), str(other.certificate))
    for key in (str(other.key), "credential:tls-key"):
        status, told = _checked(tmp_path, text.replace(str(own.key), key), capsys)
        assert (status, "/pref/fuhyo, not of " in told) == (1, True), told


def test_jukinetd_says_the_same_and_is_not_started_again(
    packaged: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("configure_logs", "keep_private", "_collect_rarely"):  # they are the whole process's
        monkeypatch.setattr(jukinetd, name, lambda: None)
    text = packaged.replace('"400009"', '"130001"').replace("B" * 43, PACKAGED_PIN)
    _, told = _checked(tmp_path, text, capsys)
    problems = [line.strip() for line in told.splitlines()[1:]]
    assert len(problems) == 2
    with capture_logs() as events:
        assert jukinetd.main(["--config", str(tmp_path / "juki.toml")]) == os.EX_CONFIG
        # A process is judged by what it opens: one without the bridge has no pin to be wrong.
        assert jukinetd.main(["--config", str(tmp_path / "juki.toml"), "--only", "notices"]) == os.EX_CONFIG
    assert [event["event"] for event in events] == ["configuration_wrong", "configuration_wrong"]
    assert events[0]["problems"] == problems
    assert "bridge.pins" not in str(events[1]["problems"])
