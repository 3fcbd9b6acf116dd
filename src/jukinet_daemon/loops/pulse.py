"""脈の仕事: a beat every half second, for as long as the process lives."""

import asyncio

from jukinet_daemon.service.pulse import Pulse

# With the patience of a beat this keeps the promise that health is red within two seconds.
BEAT_EVERY_S = 0.5


async def keep_pulse(pulse: Pulse) -> None:
    """Beats for ever. Ends by cancellation."""
    while True:
        await pulse.beat()
        await asyncio.sleep(BEAT_EVERY_S)
