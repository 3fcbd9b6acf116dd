"""相手の用意: nginx from Debian and a virtual environment of the peer's own, pinned by hash."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
VENV = Path("build/peers")


class CannotInstall(Exception):
    """The peer cannot be run here; the message says why."""


def nginx() -> Path:
    """Where nginx is; installs it when root. Raises CannotInstall."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if found:
        return Path(found)
    if os.geteuid() or not shutil.which("apt-get"):
        raise CannotInstall("nginx がありません (root なら apt-get で入れます) / nginx is not installed")
    # In the boot runlevel Debian's packages do not start their services.
    environment = {**os.environ, "RUNLEVEL": "1", "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "--no-install-recommends", "nginx-light"]
    for command in (install, ["apt-get", "update"], install):
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        if command is install and done.returncode == 0:
            return nginx()
    raise CannotInstall("nginx を入れられません / apt-get could not install nginx-light")


def python() -> Path:
    """The Python of the peer's environment, made when it is missing or out of date. Raises CannotInstall."""
    pins = (HERE / "requirements.txt").read_bytes()
    stamp, interpreter = VENV / "installed.txt", VENV / "bin" / "python"
    if stamp.is_file() and stamp.read_bytes() == pins:
        return interpreter.absolute()
    pip: list[str | Path] = [interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    commands: tuple[list[str | Path], ...] = (
        [sys.executable, "-m", "venv", "--clear", VENV],
        [*pip, "--require-hashes", "-r", HERE / "requirements.txt"],
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or [""])[-1]
            raise CannotInstall(f"相手の環境を作れません / the peer cannot be installed: {last}")
    stamp.write_bytes(pins)
    return interpreter.absolute()
