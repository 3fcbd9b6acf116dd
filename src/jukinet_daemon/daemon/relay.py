"""全国サーバへの送りの組立て."""

from dataclasses import asdict

from jukinet_daemon.config import National
from jukinet_daemon.daemon.frame import Frame
from jukinet_daemon.keys import signing_key
from jukinet_daemon.loops.relay import RelayLoop, Route
from jukinet_daemon.outward import Caller
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.pki.tls import client_context
from jukinet_daemon.pki.trust import DoorPolicy, Side
from jukinet_daemon.service.relay import Packer


async def open_relay(frame: Frame, settings: National) -> None:
    """Begins to relay records to the national server. Raises StoreFault."""
    files = frame.tls_files()
    context = client_context(files)
    frame.contexts.append(context)
    policy = DoorPolicy(
        frame.config.trust_domain,
        Role.NATIONAL,
        frozenset({frame.register.name}),
        frozenset(settings.pins) or None,
        Side.SERVER,
    )
    key = signing_key(files)
    route = Route(settings.url, Caller(context, policy, key), settings.parcel_notices)
    packer = Packer(frame.register.name, frame.config.prefecture, key, frame.clock)
    relay = RelayLoop(await frame.database("relay"), frame.vault, packer, route, frame.metrics)
    frame.status.relay = lambda: asdict(relay.state)
    frame.begin(relay.run(), "relay")
