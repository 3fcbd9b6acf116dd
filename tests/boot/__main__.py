"""make boot: a table of what was looked at in a booted machine; exit status 1 where anything fails."""

import argparse
import json
import os
import shutil
import sys
import time
from typing import Any

from rich.console import Console
from rich.table import Table

from support.debian import require

from . import container, qemu
from .base import make_base
from .payload import PACKAGE, ROOT, make_payload

MACHINES = {machine.NAME: machine for machine in (container, qemu)}
PROGRAMS = {
    "container": {"debootstrap": "debootstrap", "unshare": "util-linux", "ip": "iproute2"},
    "qemu": {
        "debootstrap": "debootstrap",
        "qemu-system-x86_64": "qemu-system-x86",
        "mke2fs": "e2fsprogs",
    },
}
MARKS = {True: "○", False: "×", None: "－"}


def boot(name: str) -> list[dict[str, Any]]:
    """Runs one machine to its end; gives its findings: each a check, whether it holds, what was seen."""
    folder = ROOT / "build" / "boot"
    folder.mkdir(parents=True, exist_ok=True)
    base = make_base(folder / "base")
    run = folder / f"run-{name}"
    shutil.rmtree(run, ignore_errors=True)
    payload = make_payload(run / "payload")
    print(f"起動しています ({name}) / booting ...", flush=True)
    results = MACHINES[name].run(base, payload, run)
    shutil.rmtree(payload)
    # A serial line may carry bytes of the firmware besides.
    lines = results.read_text("utf-8", "replace").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def show(findings: list[dict[str, Any]], seconds: float, machine: str) -> int:
    """The table and the verdict; gives the exit status."""
    ended = any(finding["check"] == "end" for finding in findings)
    checks = [finding for finding in findings if finding["check"] != "end"]
    table = Table(title=f"起動した機械で見たこと / seen in a booted machine ({machine})")
    for heading in ("", "検査 / check", "結果 / seen"):
        table.add_column(heading)
    for finding in checks:
        table.add_row(MARKS[finding["ok"]], finding["check"], finding["said"])
    console = Console()
    console.print(table)
    bad = sum(finding["ok"] is False for finding in checks)
    unseen = sum(finding["ok"] is None for finding in checks)
    whole = "" if ended else " 途中で終わった / IT DID NOT COME TO ITS END;"
    console.print(
        f"判定 / verdict:{whole} {len(checks)} 項目 checks, 不合格 failed {bad},"
        f" 見られず not seen {unseen} ({seconds:.0f} s)"
    )
    return 0 if ended and not bad else 1


def main() -> int:
    """Boots and tells."""
    parser = argparse.ArgumentParser(prog="make boot", description=__doc__)
    parser.add_argument("--machine", choices=MACHINES, default="container")
    options = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("root で動かしてください / must run as root: it makes a root file system")
    require(PROGRAMS[options.machine])
    if not PACKAGE.is_file():
        raise SystemExit("build/jukinet-daemon.deb がありません: make deb / is missing")
    began = time.monotonic()
    return show(boot(options.machine), time.monotonic() - began, options.machine)


if __name__ == "__main__":
    sys.exit(main())
