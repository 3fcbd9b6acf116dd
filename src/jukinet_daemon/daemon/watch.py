"""見守りの組立て: parcel numbers, silence, daily comparisons: in the status, and as a loop."""

from datetime import timedelta

from jukinet_daemon.daemon.frame import Frame
from jukinet_daemon.domain.juki import JUKI
from jukinet_daemon.domain.service_hours import ServiceHours
from jukinet_daemon.loops.shared_numbers import SharedNumberLoop
from jukinet_daemon.loops.watch import WatchLoop
from jukinet_daemon.ops.number_desk import NumberDesk
from jukinet_daemon.service.compare import Comparer, ComparisonDesk, comparison_problems
from jukinet_daemon.service.ledger_state import LedgerState, ledger_problems
from jukinet_daemon.service.numbers import Numbers, number_problems
from jukinet_daemon.service.shared_numbers import SharedNumbers, shared_number_problems
from jukinet_daemon.service.silence import Silence, silence_problems
from jukinet_daemon.store.comparison import Comparisons
from jukinet_daemon.store.numbers import NumberStore
from jukinet_daemon.store.pool import Database
from jukinet_daemon.store.shared_numbers import SharedNumberStore


def add_watch(frame: Frame) -> None:
    """Adds to the status what any process can say of the municipalities."""
    frame.status.parts["numbers"] = number_desk(frame, frame.status_database).part
    frame.status.parts["silence"] = _silence(frame, frame.status_database).part
    frame.status.parts["comparison"] = ComparisonDesk(Comparisons(frame.status_database), frame.clock).part
    frame.status.parts["ledger"] = _ledger(frame).part
    frame.status.judges += [number_problems, silence_problems, comparison_problems, ledger_problems]
    if frame.register == JUKI:
        store = SharedNumberStore(frame.status_database)
        shared = SharedNumbers(store, frame.areas, frame.clock, frame.metrics)
        frame.status.parts["shared_numbers"] = shared.part
        frame.status.judges.append(shared_number_problems)


async def open_watch(frame: Frame) -> tuple[Numbers, Comparer]:
    """Begins to watch beside the notices door; gives what the door asks of it. Raises StoreFault."""
    database = await frame.database("watch")
    grace = timedelta(seconds=frame.config.watch.grace_seconds)
    numbers = Numbers(frame.register.name, NumberStore(database), frame.clock, grace)
    silence = _silence(frame, database)
    frame.begin(WatchLoop(frame.areas.senders, numbers, silence).run(), "watch")
    if frame.register == JUKI:
        frame.begin(SharedNumberLoop(SharedNumberStore(database)).run(), "shared numbers")
    return numbers, Comparer(frame.register.name, Comparisons(database), frame.clock)


def number_desk(frame: Frame, database: Database) -> NumberDesk:
    """What people see and settle of the numbers."""
    store = NumberStore(database)
    return NumberDesk(frame.register.name, frame.areas, store, frame.clock, frame.metrics)


def _silence(frame: Frame, database: Database) -> Silence:
    return Silence(database, frame.areas, frame.clock, _hours(frame), frame.metrics)


def _ledger(frame: Frame) -> LedgerState:
    settings = frame.config.ledger
    patience = settings.patience_minutes * 60
    state = LedgerState(frame.status_database, frame.clock, _hours(frame), frame.metrics, patience)
    state.sealing = bool(settings.keys)
    return state


def _hours(frame: Frame) -> ServiceHours:
    settings = frame.config.watch
    return ServiceHours(settings.service_begins, settings.service_ends, settings.closed_days)
