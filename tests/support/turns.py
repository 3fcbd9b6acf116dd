"""A relay in front of a PostgreSQL socket that counts how often the client waits for the server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

_NAME = ".s.PGSQL.5432"


class Turns:
    """How often something was sent after an answer: round trips, on all connections together."""

    def __init__(self) -> None:
        self.count = 0

    async def carry(self, server: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carries one connection to its end."""
        from_server, to_server = await asyncio.open_unix_connection(server)
        answered = True

        async def there() -> None:
            nonlocal answered
            while data := await reader.read(1 << 20):
                self.count += answered
                answered = False
                to_server.write(data)
            to_server.close()

        async def back() -> None:
            nonlocal answered
            while data := await from_server.read(1 << 20):
                answered = True
                writer.write(data)
            writer.close()

        await asyncio.gather(there(), back(), return_exceptions=True)


@asynccontextmanager
async def counted(dsn: str, folder: Path) -> AsyncIterator[tuple[str, Turns]]:
    """Gives a DSN that leads to the same database by way of `folder`, and its count."""
    turns = Turns()
    address = urlsplit(dsn)
    server = Path(parse_qs(address.query)["host"][0]) / _NAME
    relay = await asyncio.start_unix_server(lambda r, w: turns.carry(server, r, w), folder / _NAME)
    try:
        yield f"postgresql://{address.netloc}{address.path}?host={quote(str(folder))}", turns
    finally:
        relay.close()
        await relay.wait_closed()
