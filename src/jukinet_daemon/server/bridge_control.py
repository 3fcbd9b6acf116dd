"""橋の窓口: operators open cases, hand in an office's list, take the one delivery, look at cases."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from jukinet_daemon.server.control import operator_of
from jukinet_daemon.service.bridge_request import CaseFault, RequestDesk, Wanted
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.vault.fields import VaultFault
from jukinet_daemon.wire.bridge import Word
from jukinet_daemon.wire.text import JsonFault, notice_id_in, read_json

log = structlog.get_logger()

MOST_KEYS = 1000


class _Form(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)


class _CaseForm(_Form):
    office: Word
    affair: Word
    basis: Word
    approved_by: Word


class _KeysForm(_Form):
    first: Annotated[int, Field(ge=1, le=10_000_000)]
    keys: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=80)]], Field(min_length=1, max_length=MOST_KEYS)
    ]


class _DeliveryForm(_Form):
    password: Annotated[str, Field(min_length=12, max_length=200)]


_CASE, _KEYS, _DELIVERY = TypeAdapter(_CaseForm), TypeAdapter(_KeysForm), TypeAdapter(_DeliveryForm)


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
        ]

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response(await self._desk.cases())

    async def _show(self, request: web.Request) -> web.Response:
        found = await self._desk.cases(_case_id(request))
        if not found:
            raise CaseFault("そのような事案はない / no such case")
        return web.json_response(found[0])

    async def _open(self, request: web.Request) -> web.Response:
        form = await _form(request, _CASE)
        wanted = Wanted(form.office, form.affair, form.basis, form.approved_by)
        return web.json_response(await self._desk.open_case(wanted, operator_of(request)))

    async def _ask(self, request: web.Request) -> web.Response:
        form = await _form(request, _KEYS)
        counts = await self._desk.ask(_case_id(request), operator_of(request), form.first, form.keys)
        return web.json_response({"outcomes": counts})

    async def _deliver(self, request: web.Request) -> web.StreamResponse:
        form = await _form(request, _DELIVERY)
        pieces = self._desk.deliver(_case_id(request), operator_of(request), form.password)
        async with aclosing(pieces):
            # Before anything is answered: what cannot be taken is told in a sentence.
            first = await anext(pieces)
            return await _sent(request, first, pieces)


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
    case_id = notice_id_in({"id": request.match_info["id"]})
    if case_id is None:
        raise CaseFault("事案の番号の形でない / not a case id")
    return case_id


async def _form(request: web.Request, adapter: TypeAdapter[Any]) -> Any:
    try:
        return adapter.validate_python(read_json(await request.read()))
    except JsonFault:
        raise CaseFault("JSON でない / not JSON") from None
    except ValidationError as invalid:
        where = invalid.errors(include_url=False, include_input=False, include_context=False)[0]["loc"]
        field = str(where[0]) if where and where[0] in _FIELDS else "?"
        raise CaseFault(f"{field}: 形式が違う / wrong form") from None


_FIELDS = {name for form in (_CaseForm, _KeysForm, _DeliveryForm) for name in form.model_fields}
