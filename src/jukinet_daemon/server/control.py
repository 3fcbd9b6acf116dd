"""操作の戸口: operators on this host, over a Unix socket that only the service's group may open."""

import socket
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aiohttp import web

from jukinet_daemon.ops.held import HeldDesk, Settled
from jukinet_daemon.ops.maintenance import MaintenanceDesk
from jukinet_daemon.ops.number_desk import NumberDesk
from jukinet_daemon.ops.restart import LogDesk
from jukinet_daemon.ops.trace import Tracer
from jukinet_daemon.server.forms import apply_in, notice_in, number_in, reason_in
from jukinet_daemon.server.local import bound, operator_of, plainly, serve_here
from jukinet_daemon.service.status import Status


class ControlDoor:
    """The door's handlers and its socket."""

    def __init__(
        self,
        status: Status,
        held: HeldDesk,
        numbers: NumberDesk,
        tracer: Tracer,
        maintenance: MaintenanceDesk,
        logs: LogDesk,
    ) -> None:
        self._status = status
        self._maintenance = maintenance
        self._held = held
        self._numbers = numbers
        self._tracer = tracer
        self._logs = logs
        self._runner: web.AppRunner | None = None

    async def open(self, path: Path, passed: socket.socket | None = None) -> None:
        """Listens on a Unix socket, or on one that was passed; one left by a process that died is replaced.

        Raises OSError.
        """
        listening = passed or bound(path)
        application = web.Application(client_max_size=64 * 1024, middlewares=[plainly])
        application.router.add_get("/status", self._look)
        application.router.add_get("/held", self._list)
        application.router.add_get("/held/{id}", self._show)
        application.router.add_post("/held/{id}/release", self._release)
        application.router.add_post("/held/{id}/reject", self._reject)
        application.router.add_get("/trace/{id}", self._trace)
        application.router.add_get("/numbers", self._list_numbers)
        application.router.add_post("/numbers/{sender:[0-9]{6}}/settle", self._settle_numbers)
        application.router.add_get("/ledger", self._log)
        application.router.add_post("/ledger/restart", self._restart_log)
        application.router.add_get("/maintenance", self._maintained)
        application.router.add_post("/maintenance", self._begin_maintenance)
        application.router.add_delete("/maintenance", self._end_maintenance)
        self._runner = await serve_here(application, listening)

    async def close(self) -> None:
        """Closes the door."""
        if self._runner:
            await self._runner.cleanup()

    async def _look(self, _request: web.Request) -> web.Response:
        return web.json_response(await self._status.look())

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response(await self._held.all())

    async def _trace(self, request: web.Request) -> web.Response:
        return web.json_response(await self._tracer.trace(_id(request)))

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(await self._held.show(_id(request), operator_of(request)))

    async def _release(self, request: web.Request) -> web.Response:
        settled = await self._held.release(_id(request), operator_of(request), apply=_apply(request))
        return web.json_response([_told(item) for item in settled])

    async def _reject(self, request: web.Request) -> web.Response:
        notice_id, reason = _id(request), reason_in(request.query.get("reason", ""))
        apply, operator = _apply(request), operator_of(request)
        settled = await self._held.reject(notice_id, operator, reason, apply=apply)
        return web.json_response([_told(item) for item in settled])

    async def _list_numbers(self, _request: web.Request) -> web.Response:
        return web.json_response(await self._numbers.all())

    async def _settle_numbers(self, request: web.Request) -> web.Response:
        first, last = (number_in(request.query.get(name, "")) for name in ("first", "last"))
        apply = _apply(request)
        sender, operator = request.match_info["sender"], operator_of(request)
        return web.json_response(await self._numbers.settle(sender, first, last, operator, apply=apply))

    async def _log(self, _request: web.Request) -> web.Response:
        return web.json_response(await self._logs.look())

    async def _restart_log(self, request: web.Request) -> web.Response:
        reason, apply = request.query.get("reason", ""), _apply(request)
        return web.json_response(await self._logs.restart(reason, operator_of(request), apply=apply))

    async def _maintained(self, _request: web.Request) -> web.Response:
        return web.json_response(await self._maintenance.part())

    async def _begin_maintenance(self, request: web.Request) -> web.Response:
        until, reason = request.query.get("until", ""), request.query.get("reason", "")
        return web.json_response(await self._maintenance.begin(until, reason, operator_of(request)))

    async def _end_maintenance(self, request: web.Request) -> web.Response:
        return web.json_response(await self._maintenance.end(operator_of(request)))


def _id(request: web.Request) -> str:
    return notice_in(request.match_info["id"])


def _apply(request: web.Request) -> bool:
    """Whether it is to be done; where nothing is said, it is only told."""
    return apply_in(request.query.get("apply", "false"))


def _told(settled: Settled) -> dict[str, Any]:
    outcome = settled.outcome
    told = asdict(settled) | {
        "outcome": outcome.code if outcome else None,
        "text": outcome.ja if outcome else None,
    }
    return told | {"kind": outcome.kind if outcome else "REJECTED"}
