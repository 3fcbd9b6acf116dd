"""The machine as a machine: Debian's own kernel in qemu, on the processor where it may, else emulated."""

import os
import subprocess
from pathlib import Path

NAME = "qemu"
_TIMEOUT_S = 7200


def accelerator() -> str:
    """kvm where the processor offers it and we may use it; elsewhere slow emulation."""
    flags = Path("/proc/cpuinfo").read_text("utf-8")
    offered = " vmx" in flags or " svm" in flags
    return "kvm" if offered and os.access("/dev/kvm", os.R_OK | os.W_OK) else "tcg,thread=multi"


def run(base: Path, payload: Path, folder: Path) -> Path:
    """Boots until the machine powers off; gives the file of its results."""
    results, console = folder / "results.ndjson", folder / "console.log"
    disks = folder / "root.img", folder / "payload.img"
    for disk, source, size in zip(disks, (base, payload), ("6G", "1G"), strict=True):
        subprocess.run(
            ("mke2fs", "-q", "-t", "ext4", "-d", source, disk, size), check=True, capture_output=True
        )
    kernel, initrd = (max((base / "boot").glob(f"{name}-*")) for name in ("vmlinuz", "initrd.img"))
    # Calls that a unit's filter refuses are written into the kernel's log.
    line = "root=/dev/vda rw console=ttyS0 audit=1 SYSTEMD_LOG_SECCOMP=1 systemd.show_status=0 panic=-1"
    command = (
        *("nice", "-n", "10", "qemu-system-x86_64", "-accel", accelerator(), "-cpu", "max", "-smp", "2"),
        *("-m", "2048", "-display", "none", "-nic", "none", "-kernel", str(kernel), "-initrd", str(initrd)),
        *("-append", line, "-serial", f"file:{console}", "-serial", f"file:{results}"),
        *("-drive", f"file={disks[0]},if=virtio,format=raw,cache=unsafe"),
        *("-drive", f"file={disks[1]},if=virtio,format=raw,readonly=on"),
    )
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, timeout=_TIMEOUT_S, check=False)
    finally:
        for disk in disks:
            disk.unlink()
    return results
