"""橋の組立て: the door of either side, whom it calls; on the 附票 side the window and the eraser."""

import time
from datetime import date
from pathlib import Path

from aiohttp import web

from jukinet_daemon.config import Bridge
from jukinet_daemon.daemon.frame import Frame
from jukinet_daemon.domain.bridge_outcomes import BRIDGE_OUTCOMES
from jukinet_daemon.domain.outcomes import Outcome
from jukinet_daemon.domain.provide import SCOPES, Item, ProvisionRequest, may_provide
from jukinet_daemon.domain.register import Finding
from jukinet_daemon.loops.erase import EraseLoop
from jukinet_daemon.ops.bridge_request import Peers, RequestDesk, Tools
from jukinet_daemon.outward_http import Address, Inquirer
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.pki.trust import DoorPolicy, Side
from jukinet_daemon.server.bridge import BridgeDesk, BridgeDoor, Note
from jukinet_daemon.server.bridge_control import MAX_FORM_BYTES, BridgeWindow
from jukinet_daemon.server.entrance import PACE_OF_ONE_S
from jukinet_daemon.server.listener import Listener
from jukinet_daemon.server.local import bound, plainly, serve_here
from jukinet_daemon.service.bridge_case import Permit, leaf
from jukinet_daemon.service.bridge_confirm import Confirmer
from jukinet_daemon.service.bridge_erase import WHYS, Eraser
from jukinet_daemon.service.bridge_open import OpenCases
from jukinet_daemon.service.bridge_release import Releaser
from jukinet_daemon.service.metrics import from_zero
from jukinet_daemon.store.bridge_release import ReleaseStore
from jukinet_daemon.store.bridge_request import RequestStore
from jukinet_daemon.store.pool import Database
from jukinet_daemon.wire.bridge import ANSWER_TYPE, CONFIRMATION_TYPE

# Each of the two, and the only one it talks to.
_OTHER = {"juki": "fuhyo", "fuhyo": "juki"}


async def open_bridge(frame: Frame, settings: Bridge) -> None:
    """Opens this register's side of the bridge. Raises StoreFault, PkiFileError, OSError."""
    database = await frame.database("bridge")
    from_zero(frame.metrics.bridge_answers, BRIDGE_OUTCOMES)
    await {"juki": _open_release, "fuhyo": _open_request}[frame.register.name](frame, settings, database)


async def _open_release(frame: Frame, settings: Bridge, database: Database) -> None:
    store = ReleaseStore(database, frame.vault)
    fuhyo = _inquirer(frame, settings.peer, _policy(frame, settings, Side.SERVER))
    releaser = Releaser(store, fuhyo, _permit(frame), frame.vault, frame.clock, frame.metrics)
    note = _note(frame, store)
    await _open_door(
        frame,
        settings,
        BridgeDesk(
            _policy(frame, settings, Side.CLIENT),
            releaser.answer,
            ANSWER_TYPE,
            frame.credentials,
            note,
            frame.refused,
        ),
        fuhyo,
    )


async def _open_request(frame: Frame, settings: Bridge, database: Database) -> None:
    store = RequestStore(database, frame.vault)
    from_zero(frame.metrics.bridge_requests, BRIDGE_OUTCOMES)
    from_zero(frame.metrics.bridge_erased, WHYS)
    open_cases = OpenCases(settings.hold_minutes * 60, time.monotonic)
    eraser = Eraser(store, open_cases, frame.clock, frame.metrics)
    # Before anything else: what a run before this one held is erased, however young it is.
    await eraser.sweep()
    confirmer = Confirmer(store, frame.clock, frame.metrics)
    juki = _inquirer(frame, settings.peer, _policy(frame, settings, Side.SERVER))
    national = _national(frame, settings)
    await _open_door(
        frame,
        settings,
        BridgeDesk(
            _policy(frame, settings, Side.CLIENT),
            confirmer.answer,
            CONFIRMATION_TYPE,
            frame.credentials,
            _note(frame, store),
            frame.refused,
        ),
        juki,
        eraser,
        national,
    )
    tools = Tools(_permit(frame), open_cases, eraser, frame.vault, frame.clock, frame.metrics)
    if settings.socket:
        await _open_window(
            frame, settings.socket, RequestDesk(store, Peers(frame.config.prefecture, juki, national), tools)
        )
    frame.begin(EraseLoop(eraser).run(), "erase")


def _national(frame: Frame, settings: Bridge) -> Inquirer | None:
    """Whom to ask for a person whose last address was in another prefecture."""
    if settings.national is None:
        return None
    policy = DoorPolicy(
        frame.config.trust_domain,
        Role.NATIONAL,
        frozenset({frame.register.name}),
        frozenset(settings.national_pins) or None,
        Side.SERVER,
    )
    return _inquirer(frame, settings.national, policy)


async def _open_door(
    frame: Frame,
    settings: Bridge,
    desk: BridgeDesk,
    peer: Inquirer,
    eraser: Eraser | None = None,
    national: Inquirer | None = None,
) -> None:
    door = BridgeDoor(desk)
    listener = Listener(door.application(), frame.gate("bridge", PACE_OF_ONE_S))
    frame.stack.push_async_callback(listener.close)
    frame.addresses["bridge"] = await listener.open(settings.listen, frame.passed.get("bridge"))
    frame.status.doors["bridge"] = lambda: {
        "listen": frame.addresses["bridge"],
        "open": not frame.status.stopping,
        "asked": door.asked,
        "peer_fault": peer.fault,
        "national_fault": national.fault if national else None,
        "unerased_seconds": eraser.overdue_seconds if eraser else None,
    }


async def _open_window(frame: Frame, path: Path, desk: RequestDesk) -> None:
    application = web.Application(client_max_size=MAX_FORM_BYTES, middlewares=[plainly])
    application.router.add_routes(BridgeWindow(desk).routes())
    runner = await serve_here(application, bound(path))
    frame.stack.push_async_callback(runner.cleanup)
    frame.addresses["bridge_window"] = str(path)


def _policy(frame: Frame, settings: Bridge, side: Side) -> DoorPolicy:
    other = frozenset({_OTHER[frame.register.name]})
    return DoorPolicy(frame.config.trust_domain, Role.PREF, other, frozenset(settings.pins), side)


def _inquirer(frame: Frame, url: str, policy: DoorPolicy) -> Inquirer:
    inquirer = Inquirer(Address(url, policy), frame.credentials)
    frame.lines.append(inquirer)
    frame.stack.push_async_callback(inquirer.close)
    return inquirer


def _note(frame: Frame, store: ReleaseStore | RequestStore) -> Note:
    async def note(reason: str, peer: str | None) -> None:
        on = frame.clock().date().isoformat()
        await store.note([leaf(frame.register.name, "bridge_peer_refused", reason=reason, peer=peer, on=on)])

    return note


def _permit(frame: Frame) -> Permit:
    def permit(office: str, affair: str, basis: str, on: date) -> Outcome | None:
        request = ProvisionRequest(office, affair, basis, frozenset({Item.INDIVIDUAL_NUMBER}))
        given = may_provide(frame.bases, frame.offices, SCOPES[frame.register.name], request, on)
        return given.outcome if isinstance(given, Finding) else None

    return permit
