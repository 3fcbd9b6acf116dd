"""What a make target needs of Debian: installed when we are root, else said in one line."""

import os
import shutil
import subprocess
from collections.abc import Mapping

# Where Debian puts what an ordinary PATH may leave out.
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def missing(programs: Mapping[str, str]) -> list[str]:
    """The packages, by program, whose program is not here."""
    return [package for program, package in programs.items() if shutil.which(program, path=_PATH) is None]


def require(programs: Mapping[str, str]) -> None:
    """Sees that programs are here, installing the packages they are in. Raises SystemExit that says how."""
    packages = missing(programs)
    if not packages:
        return
    names = " ".join(packages)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise SystemExit(f"{names} がありません: apt-get install {names} / {names} must be installed first")
    print(f"{names} を入れています / installing {names} ...", flush=True)
    subprocess.run(["apt-get", "update", "-q"], stdout=subprocess.DEVNULL, check=False)
    command = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *packages]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, stdout=subprocess.DEVNULL, env=environment, check=False)
    if done.returncode or missing(programs):
        raise SystemExit(f"{names} を入れられません / {names} could not be installed")
