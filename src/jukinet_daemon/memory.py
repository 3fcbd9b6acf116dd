"""記憶の守り: what is in memory is people; no other process may read it, no file may hold it."""

import ctypes
import os
import resource

_PR_SET_DUMPABLE = 4


def keep_private() -> None:
    """No core file of this process, and no look into it by others of its account. Raises OSError.

    A limit of nothing is not enough: the kernel hands a core to a program (systemd-coredump, apport) whatever
    the limit says. Not dumpable, there is none to hand over; and root alone may read /proc/PID/mem or attach.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
