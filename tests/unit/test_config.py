"""The configuration: every key is explained in the example, and all problems are told at once."""

import re
import tomllib
from pathlib import Path

import pytest

from jukinet_daemon.config import Config, ConfigFault, Section, load_config

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "config" / "example.toml").read_text("utf-8")


def _keys(model: type[Section], prefix: str = "") -> set[str]:
    keys = set()
    for name, field in model.model_fields.items():
        section = _section(field.annotation)
        key = prefix + (field.alias or name)
        keys |= _keys(section, f"{key}.") if section else {key}
    return keys


def _section(annotation: object) -> type[Section] | None:
    candidates = (annotation, *getattr(annotation, "__args__", ()))
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, Section)), None)


def _flat(table: dict[str, object], prefix: str = "") -> set[str]:
    keys = set()
    for name, value in table.items():
        keys |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name}
    return keys


def test_the_example_has_every_key_and_no_other() -> None:
    assert _flat(tomllib.loads(EXAMPLE)) == _keys(Config)


def test_every_key_of_the_example_is_explained() -> None:
    lines = EXAMPLE.splitlines()
    for number, line in enumerate(lines):
        if re.match(r"[a-z_]+ = ", line):
            assert lines[number - 1].startswith("#"), line


def _write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, "utf-8")
    return path


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigFault) as fault:
        load_config(_write(tmp_path, EXAMPLE.replace('"127.0.0.1:7443"', '"nowhere"').replace("= 8", "= 0")))
    text = "\n".join(fault.value.problems)
    for key in ("tls.certificate", "tls.key", "tls.ca", "tls.crl", "keys.ring", "rules.areas"):
        assert key in text
    assert "notices.listen" in text
    assert "notices.parcels_in_flight" in text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("register = ", "not TOML"),
        (
            'register = "juki"\nprefecture = "400009"\ntrust_domain = "x"\n[database]\ndsn = "mysql://"',
            "database.dsn",
        ),
        ("surprise = 1", "surprise"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigFault, match=says):
        load_config(_write(tmp_path, text))


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigFault, match="No such file"):
        load_config(tmp_path / "none.toml")


def test_a_door_for_peers_needs_tls(tmp_path: Path) -> None:
    ring = _write(tmp_path, "")
    text = (
        'register = "juki"\nprefecture = "400009"\ntrust_domain = "x"\n[database]\ndsn = "postgresql:///x"\n'
        f'[keys]\nring = "{ring}"\n[notices]\nlisten = "127.0.0.1:1"\n'
    )
    path = tmp_path / "door.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigFault, match=r"\[tls\] is needed"):
        load_config(path)
