"""The configuration: every key is explained in the example, and all problems are told at once."""

import re
import tomllib
from pathlib import Path

import pytest

from jukinet_daemon.cli.jukinetctl import main
from jukinet_daemon.config import Config, ConfigFault, Duty, HealthDoor, Section, load_config
from jukinet_daemon.config_words import FORMS

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
    return _write_as("config.toml", folder, text)


def _write_as(name: str, folder: Path, text: str) -> Path:
    path = folder / name
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


@pytest.fixture
def sound(tmp_path: Path) -> Config:
    """The example with a file that is there wherever it names one."""
    there = _write(tmp_path, "")
    return load_config(_write_as("sound.toml", tmp_path, re.sub(r'"/etc/[^"]+"', f'"{there}"', EXAMPLE)))


HEALTH = "127.0.0.1:7080"
NEAR = "postgresql:///juki?host=/run/postgresql"
PASSWORD = "nobody-may-read-this"
GUARDED = "sslmode=verify-full&sslrootcert=/etc/jukinet/pki/database.pem"


@pytest.mark.parametrize(
    "dsn",
    [
        NEAR,
        "postgresql:///juki",
        "postgres://somebody@/juki?host=/a,/b&target_session_attrs=read-write",
        "postgresql://%2Frun%2Fpostgresql/juki",
        "postgresql://somebody@127.0.0.1:5432/juki?sslmode=disable",
        "postgresql://localhost,127.8.0.1:5433,[::1]:5434/juki",
        "postgresql://somebody@localhost/juki?passfile=/etc/jukinet/keys/database",
        f"postgresql://db1.example/juki?{GUARDED}",
        f"postgresql://db1,db2:5433,[2001:db8::1]/juki?target_session_attrs=read-write&{GUARDED}",
        f"postgresql:///juki?host=/run/postgresql,db1&{GUARDED}",
    ],
)
def test_a_database_near_or_proven_is_taken(sound: Config, tmp_path: Path, dsn: str) -> None:
    assert load_config(_with_dsn(tmp_path, dsn)).database.dsn == dsn


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://somebody:{PASSWORD}@db1/juki",
        f"postgresql://somebody:{PASSWORD}@192.0.2.1:5432/juki",
        f"postgresql://somebody:{PASSWORD}@[2001:db8::1]/juki",
        *(
            f"postgresql://somebody:{PASSWORD}@db1/juki?sslmode={mode}"
            for mode in ("disable", "allow", "prefer", "require", "verify-ca", "verify-full&sslmode=require")
        ),
        f"postgresql://somebody:{PASSWORD}@127.0.0.1,db2/juki?target_session_attrs=read-write",
        f"postgresql://somebody:{PASSWORD}@/juki?host=db1",
        f"postgresql:///juki?host=/run/postgresql,db1&password={PASSWORD}",
        # What is not what it looks like: the library takes what follows the first @ for the hosts.
        f"postgresql://somebody:{PASSWORD}@db1/juki?host=/run/postgresql",
        f"postgresql://somebody@{PASSWORD}@127.0.0.1/juki",
        f"postgresql://somebody:{PASSWORD}@127.0.0.1.example/juki",
        f"postgresql://somebody:{PASSWORD}@localhost%2Cdb1/juki",
        # What Python's own message about it quotes.
        f"postgresql://somebody:{PASSWORD}@[db1/juki",
        f"postgresql://somebody:{PASSWORD}@\u2100db1/juki",
    ],
)
def test_a_database_that_is_far_and_unproven_is_refused(
    sound: Config, tmp_path: Path, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _with_dsn(tmp_path, dsn)
    assert main(["check-config", "--config", str(path)]) != 0
    told = "".join(capsys.readouterr())
    assert told.count("database.dsn: ") == 1
    assert PASSWORD not in told


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://:{PASSWORD}@localhost/juki",
        f"postgresql:///juki?host=/run/postgresql&password={PASSWORD}",
        f"postgresql://somebody:{PASSWORD}@db1.example/juki?{GUARDED}",
    ],
)
def test_a_password_in_the_dsn_is_refused_and_not_repeated(
    sound: Config, tmp_path: Path, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check-config", "--config", str(_with_dsn(tmp_path, dsn))]) == 1
    told = "".join(capsys.readouterr())
    assert "database.dsn: " in told
    assert "passfile" in told
    assert PASSWORD not in told


def _with_dsn(folder: Path, dsn: str) -> Path:
    text = (folder / "sound.toml").read_text("utf-8")
    assert NEAR in text
    return _write_as("dsn.toml", folder, text.replace(NEAR, dsn))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
def test_the_health_door_stands_on_this_machine(sound: Config, tmp_path: Path, host: str) -> None:
    assert load_config(_with_health(tmp_path, f"{host}:7080")).health == HealthDoor(listen=f"{host}:7080")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "2001:db8::1", "monitor.example"])
def test_a_health_door_for_others_is_refused(
    sound: Config, tmp_path: Path, host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It tells of peers, addresses and faults to whoever asks, in plain HTTP."""
    path = _with_health(tmp_path, f"{host}:7080")
    assert main(["check-config", "--config", str(path)]) != 0
    told = "".join(capsys.readouterr())
    assert told.count("health.listen: ") == 1
    assert "must be an address of this machine itself" in told


def _with_health(folder: Path, listen: str) -> Path:
    text = (folder / "sound.toml").read_text("utf-8")
    assert HEALTH in text
    return _write_as("health.toml", folder, text.replace(HEALTH, listen))


def test_a_secret_may_be_a_credential_of_the_unit(
    sound: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keyring").write_text("")
    text = (tmp_path / "sound.toml").read_text("utf-8").replace(str(sound.keys.ring), "credential:keyring")
    path = _write_as("unit.toml", tmp_path, text)
    assert str(load_config(path).keys.ring) == "credential:keyring"  # an operator's shell has no credentials
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert load_config(path).keys.ring == tmp_path / "keyring"
    # a name never leads out of the unit's own folder
    path.write_text(text.replace("credential:keyring", "credential:../other/keyring"), "utf-8")
    assert load_config(path).keys.ring == tmp_path / "keyring"


def test_every_section_that_may_be_missing_opens_something_but_tls() -> None:
    optional = {
        name: _section(field.annotation)
        for name, field in Config.model_fields.items()
        if field.default is None
    }
    others = {name for name, section in optional.items() if not (section and issubclass(section, Duty))}
    assert others == {"tls"}


def test_a_process_opens_only_what_it_is_told_to(sound: Config) -> None:
    assert sound.duties == ("notices", "national", "bridge", "seal", "health", "control")
    assert sound.only({"notices"}).duties == ("notices",)
    assert sound.only({"notices"}).database == sound.database


def test_what_is_wrong_is_said_in_words_and_in_both_languages(tmp_path: Path) -> None:
    wrong = """
        register = "koseki"
        prefecture = "40"
        trust_domain = 5
        nonsense = 1
        health = 3
        [database]
        dsn = "postgresql:///x?password=y"
        [watch]
        grace_seconds = -1
        service_begins = "late"
    """
    with pytest.raises(ConfigFault) as caught:
        load_config(_write(tmp_path, wrong))
    problems = dict(problem.split(": ", 1) for problem in caught.value.problems)
    assert problems["register"] == "'juki' or 'fuhyo' のどれかでない / must be 'juki' or 'fuhyo'"
    assert "数字 6 桁" in problems["prefecture"]
    assert "文字列でない" in problems["trust_domain"]
    assert "この名の項目はない" in problems["nonsense"]
    assert "表 [...] でない" in problems["health"]
    assert "書かれていない" in problems["keys"]
    assert "0.0 以上でない" in problems["watch.grace_seconds"]
    assert "時刻でない" in problems["watch.service_begins"]
    assert "合言葉を含む" in problems["database.dsn"]
    for problem in problems.values():
        assert " / " in problem
        assert "Value error" not in problem


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("grace_seconds", "inf", "数でない"),
        ("patience_seconds", "nan", "数でない"),
        ("patience_seconds", "61", "60.0 以下でない"),
        ("service_begins", "30600", "時刻でない"),
        ("service_begins", '"08:30+09:00"', "時差を付けない"),
    ],
)
def test_a_value_that_would_silence_an_alarm_is_refused(
    tmp_path: Path, key: str, value: str, said: str
) -> None:
    with pytest.raises(ConfigFault) as caught:
        load_config(_write(tmp_path, f"[watch]\n{key} = {value}"))
    (problem,) = [one for one in caught.value.problems if one.startswith("watch.")]
    assert problem.startswith(f"watch.{key}: ")
    assert said in problem
    assert value not in problem.replace("60.0", "")


def test_every_form_of_a_text_has_words() -> None:
    """A pattern tells nothing to whoever writes a configuration."""

    def patterns(schema: object) -> set[str]:
        if isinstance(schema, dict):
            own = {schema["pattern"]} if isinstance(schema.get("pattern"), str) else set()
            return own.union(*map(patterns, schema.values()))
        return set().union(*map(patterns, schema)) if isinstance(schema, list) else set()

    assert patterns(Config.model_json_schema()) == set(FORMS)
