"""健康の戸口: /livez, /readyz, /healthz for people, /metrics for Prometheus; loopback only."""

import json

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from jukinet_daemon.service.status import Status


class HealthDoor:
    """The door's handlers."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def application(self) -> web.Application:
        """The aiohttp application of this door."""
        application = web.Application(client_max_size=1024)
        application.router.add_get("/livez", self._live)
        application.router.add_get("/readyz", self._ready)
        application.router.add_get("/healthz", self._health)
        application.router.add_get("/metrics", self._metrics_text)
        return application

    async def _live(self, _request: web.Request) -> web.Response:
        # Answering at all is the proof: the loop turns.
        return web.json_response({"live": True})

    async def _ready(self, _request: web.Request) -> web.Response:
        ready = await self._status.ready()
        return web.json_response({"ready": ready}, status=200 if ready else 503)

    async def _health(self, _request: web.Request) -> web.Response:
        report = await self._status.look()
        return web.json_response(report, dumps=_readable)

    async def _metrics_text(self, _request: web.Request) -> web.Response:
        body = await self._status.metrics()
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _readable(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)
