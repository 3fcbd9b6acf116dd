"""通知の戸口の組立て: lanes, workers, the listener; drains before it closes."""

import asyncio

import structlog

from jukinet_daemon.config import NoticesDoor
from jukinet_daemon.daemon.frame import Frame, cancelled
from jukinet_daemon.daemon.seal import open_witnesses
from jukinet_daemon.daemon.watch import open_watch
from jukinet_daemon.domain.outcomes import OUTCOMES, PARCEL_REFUSALS, TRY_AGAIN
from jukinet_daemon.loops.maintenance import MaintenanceLoop
from jukinet_daemon.loops.receive import ReceiveLoop
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.pki.trust import DoorPolicy
from jukinet_daemon.server.listener import Listener
from jukinet_daemon.server.notices import Desk
from jukinet_daemon.server.notices import NoticesDoor as NoticesDoorHandler
from jukinet_daemon.service.compare import Comparer
from jukinet_daemon.service.lanes import Lanes
from jukinet_daemon.service.metrics import Metrics, from_zero
from jukinet_daemon.service.numbers import Numbers
from jukinet_daemon.service.receive import Receiver
from jukinet_daemon.service.refuse import Refuser
from jukinet_daemon.service.witness import Witnesses
from jukinet_daemon.store.inbox import Inbox
from jukinet_daemon.store.maintenance import MaintenanceStore

log = structlog.get_logger()

# One parcel waits while another is worked on; more would only be held in memory, sixty times over.
LANE_NOTICES = 64
DRAIN_TIMEOUT_S = 30.0


async def open_notices(frame: Frame, settings: NoticesDoor) -> None:
    """Opens the door for municipal CS and begins to work on what comes. Raises StoreFault, OSError."""
    # A connection for each worker, and one for what is refused at the door.
    database = await frame.database("notices", settings.workers + 1)
    inbox = Inbox(database, frame.register.name, frame.vault)
    lanes = Lanes(LANE_NOTICES)
    receiver = Receiver(frame.house(), inbox)
    loop = ReceiveLoop(lanes, receiver, frame.metrics, settings.batch_notices)
    # While the database works on one batch, the next is read and decided.
    workers = [asyncio.create_task(loop.run(), name=f"receive {n + 1}") for n in range(settings.workers)]
    frame.loops.extend(workers)
    frame.stack.push_async_callback(_finish, lanes, workers)
    numbers, comparer = await open_watch(frame)
    witnesses = await open_witnesses(frame)
    _count_from_zero(frame.metrics)
    desk = _desk(frame, lanes, inbox, numbers, comparer, witnesses)
    door = NoticesDoorHandler(desk, settings.parcels_in_flight)
    listener = Listener(door.application(), frame.gate("notices"))
    frame.stack.push_async_callback(listener.close)
    frame.addresses["notices"] = await listener.open(settings.listen, frame.passed.get("notices"))
    frame.stack.push_async_callback(_drain, listener, door)
    maintenance = MaintenanceLoop(MaintenanceStore(frame.status_database), frame.clock, door.pause)
    # Before the first peer is let in it is known whether any may be.
    await maintenance.look()
    frame.begin(maintenance.run(), "maintenance")
    frame.status.doors["notices"] = lambda: {
        "listen": frame.addresses["notices"],
        "open": not frame.status.stopping,
        "connections": door.connections,
        "lanes": lanes.look(),
        "failing_seconds": receiver.failing_seconds,
    }


def _count_from_zero(metrics: Metrics) -> None:
    of_parcels = {outcome.code for outcome in PARCEL_REFUSALS}
    from_zero(metrics.notices, OUTCOMES.keys() - of_parcels)
    from_zero(metrics.parcels_refused, of_parcels | {TRY_AGAIN.code})


def _desk(
    frame: Frame, lanes: Lanes, inbox: Inbox, numbers: Numbers, comparer: Comparer, witnesses: Witnesses
) -> Desk:
    policy = DoorPolicy(frame.config.trust_domain, Role.CS, frozenset(frame.areas.senders))
    return Desk(
        frame.register.name,
        policy,
        frame.credentials,
        frame.refused,
        lanes,
        Refuser(frame.register.name, inbox, frame.clock),
        numbers,
        comparer,
        witnesses,
        frame.clock,
        frame.metrics,
    )


async def _drain(listener: Listener, door: NoticesDoorHandler) -> None:
    listener.stop_accepting()
    if not await door.drain(DRAIN_TIMEOUT_S):
        log.error("drain_timed_out")


async def _finish(lanes: Lanes, workers: "list[asyncio.Task[None]]") -> None:
    await lanes.stop()
    await asyncio.wait(workers, timeout=DRAIN_TIMEOUT_S)
    for worker in workers:
        await cancelled(worker)
