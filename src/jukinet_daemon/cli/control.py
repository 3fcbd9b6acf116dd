"""操作の戸口への問い: asks a running server over its control socket."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp

from jukinet_daemon.config import Config


class CommandFault(Exception):
    """A command could not do its work; the message says what to do next."""


def ask(config: Config, method: str, question: str) -> Any:
    """Puts a question to the server of a configuration; gives its JSON. Raises CommandFault."""
    if config.control is None:
        raise CommandFault("[control] が設定にありません / the configuration has no [control] section")
    return asyncio.run(_ask(config.control.socket, method, question))


async def _ask(path: Path, method: str, question: str) -> Any:
    try:
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session,
            session.request(method, f"http://control{question}") as answer,
        ):
            return await answer.json()
    except (aiohttp.ClientError, OSError):
        raise CommandFault(
            f"サーバが {path} で応答しません。動いているか、この利用者に権限があるか確かめてください"
            " / no answer from the server"
        ) from None
