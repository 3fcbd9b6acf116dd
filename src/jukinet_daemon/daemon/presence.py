"""在席の組立て: each process tells of itself; the configuration says what the others must open."""

import socket
from typing import Any

from jukinet_daemon.config import Bridge, Config, Duty, NoticesDoor
from jukinet_daemon.daemon.frame import Frame
from jukinet_daemon.loops.presence import TELL_EVERY_S, PresenceLoop
from jukinet_daemon.service.duties import Duties
from jukinet_daemon.store.processes import Processes

SILENT_AFTER_S = 4 * TELL_EVERY_S
# What each door counts: the bridge's stands open for its questions, which come and go.
_COUNTED: dict[type[Duty], str] = {NoticesDoor: "connections", Bridge: "asked"}


def begin_presence(frame: Frame, whole: Config) -> PresenceLoop:
    """Begins to tell of this process, and to hear of the others. `whole` is what all of them open."""
    here = frame.config.duties
    processes = Processes(frame.status_database, "+".join(here), socket.gethostname())
    duties = Duties(
        lambda: processes.others(SILENT_AFTER_S), whole.duties, here, frame.status.own, frame.metrics
    )
    frame.status.others = duties.others
    frame.status.elsewhere = _elsewhere(whole, frame.config)
    presence = PresenceLoop(processes, frame.status.own, frame.metrics.registry)
    frame.stack.push_async_callback(presence.forget)
    frame.begin(presence.run(), "presence")
    return presence


def _elsewhere(whole: Config, here: Config) -> dict[str, Any]:
    """What other processes open, as it stands until one of them says more: closed."""
    sections = {name: getattr(whole, name) for name in whole.duties if name not in here.duties}
    doors = {
        name: {"listen": section.listen, "open": False, _COUNTED[type(section)]: 0}
        for name, section in sections.items()
        if isinstance(section, NoticesDoor | Bridge)
    }
    relay = {"relay": {"connected": False, "fault": None, "standby": False}} if "national" in sections else {}
    return {"doors": doors} | relay
