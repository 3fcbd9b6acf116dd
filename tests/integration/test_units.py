"""The systemd units: sound, closed, each with what it needs and no more."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from jukinet_daemon.config import Config, load_config
from jukinet_daemon.vault.keyring import read_keyring
from support.units import DOORS, ROOT, opened_by, services, settings, sockets, stage
from support.world import REGISTERS

# The one that faces the municipalities may be exposed less than any other; what talks to a network, more.
MOST_EXPOSED = {"jukinet-notices@.service": 0.3}
CLUSTER = ROOT / "packaging" / "cluster.sql"
ANALYZE = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stage(tmp_path_factory.mktemp("units") / "root")


def _analyze(verb: str, root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ("systemd-analyze", "--no-pager", verb, f"--root={root}", *arguments)
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _exposure(root: Path, unit: str) -> float:
    told = _analyze("security", root, "--offline=true", unit).stdout
    found = re.search(r"Overall exposure level for .*: ([0-9.]+)", told)
    assert found, told
    return float(found[1])


@ANALYZE
@pytest.mark.parametrize("register", REGISTERS)
def test_systemd_finds_nothing_wrong(root: Path, register: str) -> None:
    units = [name.replace("@", f"@{register}") for name in ("jukinet@.target", *services(), *sockets())]
    units += [f"jukinet-closed@{socket.replace('@.socket', f'@{register}')}.target" for socket in sockets()]
    done = _analyze("verify", root, *units)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@ANALYZE
@pytest.mark.parametrize("service", services())
def test_a_unit_is_exposed_no_more_than_it_must_be(root: Path, service: str) -> None:
    assert _exposure(root, service.replace("@", "@juki")) <= MOST_EXPOSED.get(service, 1.0)


@ANALYZE
def test_the_table_of_exposure_is_true(root: Path) -> None:
    text = (ROOT / "docs" / "security.md").read_text("utf-8")
    told = dict(re.findall(r"^\| `(jukinet-[a-z]+@\.service)` \| ([0-9.]+) \|", text, re.MULTILINE))
    assert sorted(told) == services()
    measured = {service: _exposure(root, service.replace("@", "@juki")) for service in told}
    # Other versions of systemd weigh some settings otherwise.
    assert {s: float(figure) for s, figure in told.items()} == pytest.approx(measured, abs=0.2)


@ANALYZE
def test_a_unit_that_is_opened_would_be_seen(tmp_path: Path) -> None:
    root = stage(tmp_path / "root")
    unit = root / "usr/lib/systemd/system/jukinet-notices@.service"
    unit.write_text(unit.read_text("utf-8").replace("PrivateNetwork=yes", "PrivateNetwork=no"), "utf-8")
    assert _exposure(root, "jukinet-notices@juki.service") > 0.3
    unit.write_text(unit.read_text("utf-8") + "Typo=yes\n", "utf-8")
    assert "Typo" in _analyze("verify", root, "jukinet-notices@juki.service").stderr


def _config(register: str, folder: Path) -> Config:
    """The configuration of an installation; the files it names are there."""
    there = folder / "file"
    there.touch()
    text = (ROOT / "packaging" / f"{register}.toml").read_text("utf-8")
    path = folder / f"{register}.toml"
    path.write_text(re.sub(r'"/etc/[^"]+"', f'"{there}"', text), "utf-8")
    return load_config(path)


@pytest.mark.parametrize("register", REGISTERS)
def test_every_door_and_loop_is_opened_by_one_unit(register: str, tmp_path: Path) -> None:
    opened = [section for service in DOORS for section in opened_by(service)]
    assert sorted(opened) == sorted(_config(register, tmp_path).duties)


@pytest.mark.parametrize("socket", sockets())
def test_a_socket_is_passed_to_the_unit_that_opens_its_door(socket: str) -> None:
    told = settings(socket)["Socket"]
    service = told.get("Service", [socket.replace(".socket", ".service")])[0].replace("%i", "")
    assert told["FileDescriptorName"][0] in opened_by(service)
    needed = " ".join(settings(service)["Unit"]["Requires"])
    assert socket.replace("@", "@%i") in needed


@pytest.mark.parametrize("register", REGISTERS)
def test_a_port_is_the_one_of_the_configuration(register: str, tmp_path: Path) -> None:
    config = _config(register, tmp_path)
    assert config.notices
    assert config.health
    assert config.control
    port = settings(f"jukinet-notices@{register}.socket.d/listen.conf")["Socket"]["ListenStream"]
    assert port == [config.notices.listen.rpartition(":")[2]]
    assert config.bridge
    bridge = settings(f"jukinet-bridge@{register}.socket.d/listen.conf")["Socket"]["ListenStream"]
    assert bridge == [config.bridge.listen.rpartition(":")[2]]
    health = settings(f"jukinet-health@{register}.socket.d/listen.conf")["Socket"]["ListenStream"]
    assert health == [config.health.listen]
    control = settings("jukinet-control@.socket")["Socket"]["ListenStream"][0]
    assert control.replace("%i", register) == str(config.control.socket)


def test_a_unit_gets_the_secrets_it_needs_and_no_other(tmp_path: Path) -> None:
    for service in services():
        loaded = {value.split(":")[0] for value in settings(service)["Service"].get("LoadCredential", [])}
        sections = set(opened_by(service))
        needed = {"keyring"} if sections - {"health", "seal"} else set()
        needed |= {"tls-key"} if sections - {"health", "control", "seal"} else set()
        needed |= {"ledger-key"} if "seal" in sections else set()
        assert loaded == needed, service
    config = _config("juki", tmp_path)
    assert config.tls
    assert config.seal
    named = {str(path) for path in (config.keys.ring, config.tls.key, config.seal.key)}
    assert named == {"credential:keyring", "credential:tls-key", "credential:ledger-key"}


def _accounts() -> set[str]:
    """The account of each service for each register."""
    users = {settings(service)["Service"]["User"][0] for service in services()}
    return {user.replace("%i", register) for user in users for register in REGISTERS}


def test_every_unit_has_its_account_and_its_login() -> None:
    system = re.findall(r"^u (\S+)", (ROOT / "systemd" / "sysusers.conf").read_text("utf-8"), re.MULTILINE)
    logins = re.findall(r'CREATE ROLE "(\S+)" LOGIN', CLUSTER.read_text("utf-8"))
    assert set(system) == set(logins) == _accounts()


def test_no_login_may_take_the_connections_of_the_others() -> None:
    words = re.findall(r'^CREATE ROLE "jukinet-(\S+)" LOGIN(.*);', CLUSTER.read_text("utf-8"), re.MULTILINE)
    unlimited = {login.rpartition("-")[0] for login, rest in words if "CONNECTION LIMIT" not in rest}
    assert unlimited == {"migrate"}


def test_only_the_bridge_with_a_window_is_of_the_operators_group(root: Path) -> None:
    """And to every unit the operators' own sockets are out of sight."""
    folder = root / "usr" / "lib" / "systemd" / "system"
    grouped = [path for path in folder.rglob("*") if path.is_file() and "\nGroup=" in path.read_text("utf-8")]
    assert [str(path.relative_to(folder)) for path in grouped] == [
        "jukinet-bridge@fuhyo.service.d/window.conf"
    ]
    assert settings("jukinet-.service.d/hardening.conf")["Service"]["InaccessiblePaths"] == ["-/run/jukinet"]


def test_every_role_of_a_door_is_prepared() -> None:
    prepared = re.findall(r"CREATE ROLE (jukinet_\w+) NOLOGIN", CLUSTER.read_text("utf-8"))
    roles = (ROOT / "schemas" / "postgres" / "roles.sql").read_text("utf-8").split("LOOP")[0]
    assert set(prepared) == set(re.findall(r"'(jukinet_\w+)'", roles))


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_the_key_ring_of_the_installing_guide_can_be_read(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "operator" / "install.md").read_text("utf-8")
    (command,) = re.findall(r"^ *(\(umask 077.*?\.keyring\))$", guide, re.MULTILINE | re.DOTALL)
    script = f"register=juki; {command}".replace("/etc/jukinet/keys", str(tmp_path))
    subprocess.run(("sh", "-c", script), check=True)
    assert read_keyring(tmp_path / "juki.keyring").current == 1


@pytest.mark.skipif(not shutil.which("systemd-sysusers"), reason="systemd-sysusers is not installed")
def test_systemd_makes_every_account(tmp_path: Path) -> None:
    """A line that it does not take (a colon in a description) fails the package's installation."""
    (tmp_path / "etc").mkdir()
    command = ("systemd-sysusers", f"--root={tmp_path}", ROOT / "systemd" / "sysusers.conf")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made = (tmp_path / "etc/passwd").read_text("utf-8").splitlines()
    assert _accounts() <= {line.split(":")[0] for line in made}


def test_an_update_takes_every_service_over() -> None:
    postinst = (ROOT / "packaging" / "debian" / "postinst").read_text("utf-8")
    restarted = set(re.findall(r'"(jukinet-[a-z]+@)\$register\.service"', postinst))
    assert restarted == {service.removesuffix(".service") for service in services()}
