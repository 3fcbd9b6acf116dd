"""メモリ: what a process holds, as the kernel counts it."""

from pathlib import Path


def memory_mib(pid: int, what: str) -> float:
    """Resident memory of a process in MiB: `what` is VmRSS (now) or VmHWM (its peak)."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    kib = next(int(line.split()[1]) for line in lines if line.startswith(f"{what}:"))
    return round(kib / 1024, 1)
