"""脈の組立て: the beat as a loop, and what it finds in the status."""

from jukinet_daemon.daemon.frame import Frame
from jukinet_daemon.loops.pulse import keep_pulse
from jukinet_daemon.service.degraded import degraded
from jukinet_daemon.service.pulse import Pulse, pulse_problems
from jukinet_daemon.store.pulse import PulseStore


async def begin_pulse(frame: Frame) -> None:
    """Begins to beat where there is a door at which somebody asks."""
    config = frame.config
    if config.health is None and config.control is None:
        return
    store = PulseStore(await frame.database("status", size=1), config.database.synchronous_commit)
    pulse = Pulse(store, frame.clock, frame.metrics, config.watch.paths, config.watch.patience_seconds)
    frame.pulse = pulse
    frame.status.views |= {"pulse": pulse.report, "degraded": degraded}
    frame.status.judges.append(pulse_problems)
    frame.begin(keep_pulse(pulse), "pulse")
