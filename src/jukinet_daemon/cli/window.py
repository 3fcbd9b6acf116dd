"""橋の窓口への問い: asks the bridge's socket of a running 附票 server."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from jukinet_daemon.cli.control import CommandFault
from jukinet_daemon.config import Config

_PIECE_BYTES = 64 * 1024
# A block of a long list may take its time.
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=600.0)


async def ask_window(config: Config, method: str, path: str, form: Any = None) -> Any:
    """Puts a question to the window; gives its JSON. Raises CommandFault."""
    async with _answer(config, method, path, form) as answer:
        return await _said(answer)


async def file_from_window(config: Config, path: str, form: Any) -> AsyncGenerator[bytes, None]:
    """Takes a file from the window, piece by piece. Raises CommandFault, also where it breaks off."""
    async with _answer(config, "POST", path, form) as answer:
        if answer.content_type == "application/json":
            await _said(answer)
        try:
            async for piece in answer.content.iter_chunked(_PIECE_BYTES):
                yield piece
        except aiohttp.ClientError:
            raise CommandFault(
                "引渡しが途中で切れました。新しい事案で求め直してください / the delivery broke off: ask anew"
            ) from None


@asynccontextmanager
async def _answer(config: Config, method: str, path: str, form: Any) -> AsyncIterator[aiohttp.ClientResponse]:
    if config.register_ != "fuhyo":
        raise CommandFault(
            "橋の窓口は附票 (fuhyo) のサーバにだけあります。--config にその設定を指定してください"
            " / the bridge is asked at the fuhyo server: give its configuration"
        )
    if config.bridge is None or config.bridge.socket is None:
        raise CommandFault("[bridge] socket が設定にありません / no [bridge] socket is configured")
    connector = aiohttp.UnixConnector(str(config.bridge.socket))
    async with aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT) as session:
        try:
            answer = await session.request(method, f"http://bridge{path}", json=form)
        except (aiohttp.ClientError, OSError):
            raise CommandFault(
                f"サーバが {config.bridge.socket} で応答しません。動いているか、この利用者に権限があるか"
                "確かめてください / no answer from the server"
            ) from None
        async with answer:
            yield answer


async def _said(answer: aiohttp.ClientResponse) -> Any:
    if answer.content_type != "application/json":
        raise CommandFault(f"サーバが答えられません ({answer.status}) / the server could not answer")
    try:
        said = await answer.json()
    except (aiohttp.ClientError, OSError):
        raise CommandFault("サーバの答えが途中で切れました / the server's answer broke off") from None
    if isinstance(said, dict) and "problem" in said:
        raise CommandFault(said["problem"])
    return said
