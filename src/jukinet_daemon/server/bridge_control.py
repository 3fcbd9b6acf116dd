"""橋の窓口: operators open cases, hand in an office's list, take the one delivery, look at cases."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import structlog
from aiohttp import web

from jukinet_daemon.ops.bridge_request import CaseFault, RequestDesk, Wanted
from jukinet_daemon.server.forms import CaseForm, DeliveryForm, KeysForm, case_in, form_in
from jukinet_daemon.server.local import operator_of
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.vault.fields import VaultFault

log = structlog.get_logger()

# A list's keys, each of whose characters JSON may write in twelve bytes.
MAX_FORM_BYTES = 1_000_000


class BridgeWindow:
    """The bridge's part of the control door, on the host of the 附票 server."""

    def __init__(self, desk: RequestDesk) -> None:
        self._desk = desk

    def routes(self) -> list[web.RouteDef]:
        """What the control door is to take for the bridge."""
        return [
            web.get("/bridge/cases", self._list),
            web.post("/bridge/cases", self._open),
            web.get("/bridge/cases/{id}", self._show),
            web.post("/bridge/cases/{id}/keys", self._ask),
            web.post("/bridge/cases/{id}/delivery", self._deliver),
            web.post("/bridge/cases/{id}/delivered", self._delivered),
        ]

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response(await self._desk.cases())

    async def _show(self, request: web.Request) -> web.Response:
        found = await self._desk.cases(_case_id(request))
        if not found:
            raise CaseFault("そのような事案はない / no such case")
        return web.json_response(found[0])

    async def _open(self, request: web.Request) -> web.Response:
        form = form_in(CaseForm, await request.read())
        wanted = Wanted(form.office, form.affair, form.basis, form.approved_by)
        return web.json_response(await self._desk.open_case(wanted, operator_of(request)))

    async def _ask(self, request: web.Request) -> web.Response:
        form = form_in(KeysForm, await request.read())
        counts = await self._desk.ask(_case_id(request), operator_of(request), form.first, form.keys)
        return web.json_response({"outcomes": counts})

    async def _deliver(self, request: web.Request) -> web.StreamResponse:
        form = form_in(DeliveryForm, await request.read())
        pieces = self._desk.deliver(_case_id(request), operator_of(request), form.password)
        async with aclosing(pieces):
            # Before anything is answered: what cannot be taken is told in a sentence.
            first = await anext(pieces)
            return await _sent(request, first, pieces)

    async def _delivered(self, request: web.Request) -> web.Response:
        case_id = _case_id(request)
        await self._desk.delivered(case_id, operator_of(request))
        return web.json_response({"case": case_id})


async def _sent(request: web.Request, first: bytes, pieces: AsyncIterator[bytes]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
    try:
        await response.prepare(request)
        await response.write(first)
        async for piece in pieces:
            await response.write(piece)
        await response.write_eof()
    except (CaseFault, StoreFault, VaultFault) as fault:
        # The file has begun: nothing but a line that breaks says that it is not whole.
        log.error("bridge_delivery_broke_off", fault=str(fault))
        if request.transport:
            request.transport.abort()
    return response


def _case_id(request: web.Request) -> str:
    return case_in(request.match_info["id"])
