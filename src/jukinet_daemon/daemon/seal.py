"""封印の組立て: the loop that seals the ledger, and the one that hears of its witnesses."""

from jukinet_daemon.config import Seal
from jukinet_daemon.daemon.frame import Frame
from jukinet_daemon.daemon.start_checks import sealing_key
from jukinet_daemon.loops.seal import SealLoop
from jukinet_daemon.loops.witness import WitnessLoop
from jukinet_daemon.service.seal import LogName, Sealer
from jukinet_daemon.service.witness import Witnesses
from jukinet_daemon.store.seal import SealStore
from jukinet_daemon.store.witness import WitnessStore


async def open_seal(frame: Frame, settings: Seal) -> None:
    """Begins to seal. Raises StoreFault, OSError, ConfigFault for a key that is not the one announced."""
    name = log_name(frame)
    key = sealing_key(settings, name.keys)
    sealer = Sealer(SealStore(await frame.database("seal", size=1)), name, key)
    frame.begin(SealLoop(sealer, settings.interval_seconds).run(), "seal")


async def open_witnesses(frame: Frame) -> Witnesses:
    """Begins to hand out checkpoints and to hear of them, where there are keys. Raises StoreFault."""
    name = log_name(frame)
    witnesses = Witnesses(WitnessStore(await frame.database("watch", size=1)), name, frame.clock)
    if name.keys:
        frame.begin(WitnessLoop(witnesses).run(), "witness")
    return witnesses


def log_name(frame: Frame) -> LogName:
    """The name and keys of this register's log."""
    config = frame.config
    return LogName(config.trust_domain, frame.register.name, config.ledger.public_keys)
