"""電源: a mounted disk of a process of its own, whose power can go."""

import os
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from .gauge import GAUGE

TESTS = Path(__file__).parents[1]
_READY_S = 60.0


class Lost(NamedTuple):
    """What a loss of power took."""

    pages: int
    names: int

    def __bool__(self) -> bool:
        return self != (0, 0)


class Volume:
    """`kept` at `mountpoint`, each mount with dice of its own. `python`: one that has mfusepy."""

    def __init__(self, kept: Path, mountpoint: Path, python: Path, seed: int) -> None:
        self._kept, self._mountpoint, self._python = kept, mountpoint, python
        self._gauge = kept.with_suffix(".gauge")
        self._log = kept.with_suffix(".log")
        self._process: subprocess.Popen[bytes] | None = None
        self._seed = seed
        self._mounted = False

    def mount(self) -> None:
        """Power on. Raises RuntimeError with what the process said if it does not come up."""
        self._seed += 1
        self._gauge.write_bytes(bytes(GAUGE.size))
        arguments: list[str | Path] = [self._kept, self._mountpoint, str(self._seed), self._gauge]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._python, "-m", "powerloss.mount", *arguments],
                env={"PYTHONPATH": str(TESTS), "PATH": os.defpath},
                # Should we end without a word, it reads the end of this and takes the mount away.
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                process_group=0,
            )
        deadline = time.monotonic() + _READY_S
        while not self._mountpoint.is_mount():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.drop()
                said = self._log.read_text("utf-8")[-2000:]
                raise RuntimeError(f"the file system did not come up:\n{said}")
            time.sleep(0.01)
        self._mounted = True

    def drop(self) -> Lost:
        """Power gone: what was not fsynced is lost, and every call to the mount fails."""
        if self._process is None:
            return Lost(0, 0)
        self._process.kill()
        self._process.communicate()
        self._process = None
        return Lost(*GAUGE.unpack(self._gauge.read_bytes()))

    def clear(self) -> None:
        """Takes the dead mount away, also from under those who have files open on it."""
        if self._mounted:
            subprocess.run(["fusermount3", "-u", "-z", self._mountpoint], check=True, capture_output=True)
        self._mounted = False
