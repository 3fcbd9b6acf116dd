"""全国サーバへの送りの組立て."""

from dataclasses import asdict

from jukinet_daemon.config import National
from jukinet_daemon.daemon.frame import Frame
from jukinet_daemon.loops.relay import DOOR, RelayLoop, Route, Watch
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.pki.trust import DoorPolicy, Side
from jukinet_daemon.service.compare_relayed import RelayedComparer
from jukinet_daemon.service.metrics import from_zero
from jukinet_daemon.service.relay import Packer
from jukinet_daemon.store.comparison import Comparisons


async def open_relay(frame: Frame, settings: National) -> None:
    """Begins to relay records to the national server. Raises StoreFault."""
    policy = DoorPolicy(
        frame.config.trust_domain,
        Role.NATIONAL,
        frozenset({frame.register.name}),
        frozenset(settings.pins) or None,
        Side.SERVER,
    )
    route = Route(settings.url, policy, frame.credentials, settings.parcel_notices)
    packer = Packer(frame.register.name, frame.config.prefecture, frame.clock)
    database = await frame.database("relay")
    comparer = RelayedComparer(
        frame.register.name, frame.config.prefecture, Comparisons(database), frame.clock
    )
    frame.count_refused(DOOR)
    from_zero(frame.metrics.relayed, ("accepted", "refused"))
    watch = Watch(frame.metrics, frame.refused, comparer)
    relay = RelayLoop(database, frame.vault, packer, route, watch)
    frame.lines.append(relay)
    frame.status.relay = lambda: asdict(relay.state)
    frame.begin(relay.run(), "relay")
