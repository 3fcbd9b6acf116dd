"""閉じた時: when the other end has closed or reset a connection, by the kernel's word, read or unread."""

import asyncio
import select
import socket


class Closes:
    """Watches any number of connections and costs nothing while nothing closes."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._awaited: dict[int, asyncio.Future[None]] = {}
        asyncio.get_running_loop().add_reader(self._epoll.fileno(), self._look)

    async def of(self, connection: socket.socket) -> None:
        """Waits until the other end of a connection that is open has closed it."""
        place = connection.fileno()
        self._awaited[place] = asyncio.get_running_loop().create_future()
        # An error and a reset are told of without being asked for.
        self._epoll.register(place, select.EPOLLRDHUP)
        try:
            await self._awaited[place]
        finally:
            self._epoll.unregister(place)
            del self._awaited[place]

    def _look(self) -> None:
        for place, _what in self._epoll.poll(0):
            closed = self._awaited[place]
            if not closed.done():
                closed.set_result(None)
