"""空いた口: a port of loopback for a server that is started a while later."""

import random
import socket
from contextlib import suppress

# Below what Linux gives to whoever connects (ip_local_port_range, from 32768): a port that was merely
# free when asked would be taken by some client's connection before its server listens on it.
_PORTS = range(15_000, 30_000)


def free_port() -> int:
    """A port that nobody listens on now, and that no connection will be given."""
    while True:
        # Not the seeded generator: processes with one seed would all be given the same.
        port = random.SystemRandom().choice(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
