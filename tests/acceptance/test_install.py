"""`make install DESTDIR=...` lays out an installation that works where it is, and a package of it."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from jukinet_daemon.sim.demo.children import ReadySocket
from support.activation import ActivatedChild
from support.world import Pki

from .conftest import config_text

ROOT = Path(__file__).parents[2]
_UNREACHABLE = re.compile(r"No matching distribution|Temporary failure|Connection|Max retries", re.IGNORECASE)


def _make(*arguments: str) -> None:
    done = subprocess.run(("make", "-s", *arguments), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode and _UNREACHABLE.search(done.stderr):
        pytest.skip("the packages of requirements/run.txt cannot be fetched here")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("installed")
    (root / "etc/jukinet").mkdir(parents=True)
    (root / "etc/jukinet/juki.toml").write_text("# ours\n", "utf-8")
    _make("install", f"DESTDIR={root}", "PREFIX=/usr", f"RUN_PYTHON={sys.executable}")
    return root


def test_everything_is_in_its_place(installed: Path) -> None:
    for name in (
        "usr/bin/jukinetd",
        "usr/bin/jukinetctl",
        "usr/lib/systemd/system/jukinet@.target",
        "usr/lib/systemd/system/jukinet-.service.d/hardening.conf",
        "usr/lib/sysusers.d/jukinet.conf",
        "usr/lib/tmpfiles.d/jukinet.conf",
        "usr/share/jukinet/cluster.sql",
        "usr/share/jukinet/database.sql",
        "usr/share/jukinet/example.toml",
        "usr/share/jukinet/monitoring/alerts.yml",
        "etc/jukinet/juki.toml",
        "etc/jukinet/fuhyo.toml",
    ):
        assert (installed / name).is_file(), name
    assert (installed / "etc/jukinet/keys").stat().st_mode & 0o777 == 0o700
    assert not list(
        (installed / "usr/lib/jukinet").glob("pytest*")
    )  # what it runs on, and nothing to build with


def test_an_administrators_configuration_stays(installed: Path) -> None:
    assert (installed / "etc/jukinet/juki.toml").read_text("utf-8") == "# ours\n"
    assert 'register = "fuhyo"' in (installed / "etc/jukinet/fuhyo.toml").read_text("utf-8")


def test_the_license_of_every_library_is_told(installed: Path) -> None:
    """In the form that Debian's tools read: each folder and file of the libraries has its paragraph."""
    text = (installed / "usr/share/doc/jukinet-daemon/copyright").read_text("utf-8")
    assert text.startswith("Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n")
    paragraphs = [part for part in text.split("\n\n") if part.startswith("Files: ")]
    told = {word for part in paragraphs for word in part.splitlines()[0].split()[1:]}
    for part in paragraphs:
        fields = [line.partition(":")[0] for line in part.splitlines() if not line.startswith(" ")]
        assert fields == ["Files", "Copyright", "License"], part
    there = {path.name for path in (installed / "usr/lib/jukinet").iterdir()} - {"__pycache__"}
    ours = {name for name in there if name.startswith("jukinet_daemon")}
    named = {word.removeprefix("usr/lib/jukinet/").removesuffix("/*") for word in told}
    assert named == (there - ours) | {"*"}
    assert "Copyright: aio-libs contributors" in text


async def test_the_installed_programs_run(
    installed: Path, tmp_path: Path, pki: Pki, new_database: Callable[[str], str]
) -> None:
    """From their folder alone: nothing of this tree and nothing of its environment is used."""
    config = tmp_path / "juki.toml"
    ports = {"notices": 0, "health": 0}
    config.write_text(config_text("juki", pki, new_database("juki"), tmp_path, ports), "utf-8")
    control = installed / "usr/bin/jukinetctl"
    clean = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}

    def ctl(command: str) -> subprocess.CompletedProcess[str]:
        words = (control, command, "--config", config)
        return subprocess.run(words, capture_output=True, text=True, check=False, env=clean, cwd=tmp_path)

    assert ctl("check-config").returncode == 0
    assert "最新" in ctl("migrate").stdout
    ready = ReadySocket(tmp_path / "notify")
    environment = clean | {"NOTIFY_SOCKET": str(ready.path)}
    child = InstalledChild("jukinetd", tmp_path, installed / "usr/bin/jukinetd", environment)
    try:
        await child.start("--config", str(config))
        await ready.wait_ready(child)
        mapped = await asyncio.to_thread(Path(f"/proc/{child.pid}/maps").read_text)
        assert str(installed / "usr/lib/jukinet") in mapped
        assert ".venv" not in mapped.replace(sys.executable, "")
        assert ctl("status").returncode == 0
    finally:
        await child.stop()


class InstalledChild(ActivatedChild):
    """An installed program, started by its path."""

    def __init__(self, name: str, folder: Path, program: Path, environment: dict[str, str]) -> None:
        super().__init__(name, folder, [])
        self._program = program
        self._environment = environment

    async def start(self, *arguments: str, **_: object) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                self._program, *arguments, stderr=log, env=self._environment, cwd=self.log.parent
            )


def test_the_changelog_of_the_package_tells_of_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    changelog = (ROOT / "packaging" / "debian" / "changelog").read_text("utf-8")
    assert changelog.startswith(f"jukinet-daemon ({version}) ")


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="dpkg-deb is not installed")
def test_a_debian_package(installed: Path, tmp_path: Path) -> None:
    stage = tmp_path / "stage"
    shutil.copytree(installed, stage, symlinks=True)
    package = tmp_path / "jukinet.deb"
    script = ROOT / "packaging" / "deb.sh"
    subprocess.run((script, stage, "0.1.0", package, "none"), check=True, capture_output=True)
    told = subprocess.run(("dpkg-deb", "--info", package), capture_output=True, text=True, check=True).stdout
    assert "Package: jukinet-daemon" in told
    files = subprocess.run(("dpkg-deb", "--contents", package), capture_output=True, text=True, check=True)
    listed = files.stdout.splitlines()
    assert any(line.endswith("./usr/bin/jukinetd") and " root/root " in line for line in listed)
    documents = ("copyright", "changelog.gz")
    assert all(any(f"./usr/share/doc/jukinet-daemon/{name}" in line for line in listed) for name in documents)
    assert not [line for line in listed if "/keys/" in line and not line.endswith("/keys/")]
    for name in ("postinst", "prerm", "postrm"):
        subprocess.run(("sh", "-n", ROOT / "packaging" / "debian" / name), check=True)
