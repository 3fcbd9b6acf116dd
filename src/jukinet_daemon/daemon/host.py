"""この機械の人のための戸口の組立て: health and control."""

from pathlib import Path

from jukinet_daemon.daemon.frame import Frame
from jukinet_daemon.daemon.seal import log_name
from jukinet_daemon.daemon.watch import number_desk
from jukinet_daemon.ops.held import HeldDesk
from jukinet_daemon.ops.maintenance import MaintenanceDesk
from jukinet_daemon.ops.restart import LogDesk
from jukinet_daemon.ops.trace import Tracer
from jukinet_daemon.server.control import ControlDoor
from jukinet_daemon.server.health import HealthDoor
from jukinet_daemon.server.listener import Listener
from jukinet_daemon.store.held import HeldNotices
from jukinet_daemon.store.inbox import Inbox
from jukinet_daemon.store.maintenance import MaintenanceStore
from jukinet_daemon.store.restart import LogStore


async def open_health(frame: Frame, address: str) -> None:
    """Opens the door for people and monitors. Raises OSError."""
    listener = Listener(HealthDoor(frame.status).application())
    frame.stack.push_async_callback(listener.close)
    frame.addresses["health"] = await listener.open(address, frame.passed.get("health"))


async def open_control(frame: Frame, path: Path) -> None:
    """Opens the door for operators. Raises StoreFault, OSError."""
    database = await frame.database("control")
    held = HeldNotices(database, frame.register.name, frame.vault)
    inbox = Inbox(database, frame.register.name, frame.vault)
    desk = HeldDesk(frame.house(), held, inbox)
    maintenance = MaintenanceDesk(frame.register.name, MaintenanceStore(database), frame.clock)
    numbers, tracer = number_desk(frame, database), Tracer(database, frame.clock)
    logs = LogDesk(LogStore(database), log_name(frame), frame.clock)
    control = ControlDoor(frame.status, desk, numbers, tracer, maintenance, logs)
    await control.open(path, frame.passed.get("control"))
    frame.stack.push_async_callback(control.close)
    frame.addresses["control"] = str(path)
