"""渡された待受: listening sockets that systemd opened for us, by door (sd_listen_fds_with_names(3)).

A socket that systemd holds stays open while the process behind it is replaced: whoever calls meanwhile waits
in its queue and is not refused.
"""

import os
import socket
from collections.abc import Mapping, MutableMapping

_FIRST = 3
_VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


class PassedSocketFault(OSError):
    """What was passed is not one listening socket a door; the message names the door."""


def take_passed(environment: MutableMapping[str, str] = os.environ) -> Mapping[str, socket.socket]:
    """Takes the sockets that were passed to this process, by the name of their door; none without systemd.

    They are taken once and are not handed on to children. Raises PassedSocketFault.
    """
    told = {name: environment.pop(name, "") for name in _VARIABLES}
    names = passed_names(told)
    return {name: _listening(number, name) for number, name in enumerate(names, start=_FIRST)}


def passed_names(told: Mapping[str, str]) -> tuple[str, ...]:
    """The doors that sockets were passed for, in the order of their numbers. Raises PassedSocketFault."""
    if told["LISTEN_PID"] != str(os.getpid()):
        return ()
    names = told["LISTEN_FDNAMES"].split(":") if told["LISTEN_FDNAMES"] else []
    if told["LISTEN_FDS"] != str(len(names)):
        raise PassedSocketFault("every passed socket needs a name: FileDescriptorName= in its unit")
    for name in names:
        if names.count(name) > 1:
            raise PassedSocketFault(f"two sockets were passed for the door {name}")
    return tuple(names)


def _listening(number: int, door: str) -> socket.socket:
    try:
        passed = socket.socket(fileno=number)
        passed.set_inheritable(False)
        listens = passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as fault:
        raise PassedSocketFault(f"what was passed for the door {door} is no socket") from fault
    if passed.type != socket.SOCK_STREAM or not listens:
        raise PassedSocketFault(f"the socket passed for the door {door} does not listen")
    passed.setblocking(False)
    return passed
