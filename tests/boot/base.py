"""An empty Debian 12 as a folder, made once; what apt-get is to fetch lies in its cache: it boots offline."""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

from .guide import GUIDE, steps

SUITE = "bookworm"
# What makes a folder a machine that boots, and what the check itself needs (iproute2).
_SYSTEM = (
    *("systemd", "systemd-sysv", "dbus", "udev", "kmod", "procps", "iproute2", "ca-certificates", "zstd"),
    *("linux-image-cloud-amd64", "initramfs-tools"),
)
_SOURCES = (Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("debian*")))
_UNIT = """\
[Unit]
After=multi-user.target
[Service]
Type=exec
ExecStartPre=/bin/sh -c "mountpoint -q /srv/boot || mount -o ro /dev/vdb /srv/boot"
ExecStart=/bin/sh /srv/boot/inside/run.sh
StandardOutput=journal+console
[Install]
WantedBy=multi-user.target
"""


def mirror() -> str:
    """Where this machine's apt gets Debian from; what its lists only remark (#) is no source."""
    for path in filter(Path.is_file, _SOURCES):
        lines = (line for line in path.read_text("utf-8").splitlines() if not line.startswith("#"))
        if found := re.search(r"\b(?:https?|file)://\S+", "\n".join(lines)):
            return found[0]
    raise SystemExit("apt の取得元が分かりません / no source of Debian packages is configured")


def wanted() -> list[str]:
    """The Debian packages that the guide's apt-get lines name."""
    lines = " ".join(steps(GUIDE.read_text("utf-8"))["1"]).splitlines()
    words = " ".join(line for line in lines if "apt-get install" in line).split()
    return sorted(
        {word for word in words if re.fullmatch(r"[a-z0-9][a-z0-9.+-]+", word)} - {"apt-get", "install"}
    )


def make_base(root: Path) -> Path:
    """Makes the folder, or finds that it is there and of this recipe."""
    stamp = root.with_name("base.stamp")
    recipe = hashlib.sha256(f"{_SYSTEM}{wanted()}{_UNIT}".encode()).hexdigest()
    if stamp.is_file() and stamp.read_text("utf-8") == recipe:
        return root
    stamp.unlink(missing_ok=True)
    print("Debian 12 を作っています (初回のみ、数分) / making a Debian 12, once ...", flush=True)
    if root.exists():
        shutil.rmtree(root)
    include = f"--include={','.join(_SYSTEM)}"
    _run("debootstrap", "--variant=minbase", include, SUITE, str(root), mirror())
    _chroot(root, "apt-get", "update", "-q")
    _chroot(root, "apt-get", "install", "-qq", "-y", "--no-install-recommends", "--download-only", *wanted())
    (root / "srv/boot").mkdir()
    (root / "etc/systemd/system/boot-check.service").write_text(_UNIT, "utf-8")
    _chroot(root, "systemctl", "enable", "boot-check.service")
    (root / "etc/hostname").write_text("prefecture\n", "utf-8")
    stamp.write_text(recipe, "utf-8")
    return root


def _chroot(root: Path, *command: str) -> None:
    _run("chroot", str(root), *command)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}:\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
