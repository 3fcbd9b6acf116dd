"""失効リストの控えの保存: the newest list of each CA that was taken up; it outlives a restart."""

from datetime import datetime

from jukinet_daemon.store.pool import Database


class KeptLists:
    """The lists of one register, as bytes: whoever reads them verifies the CA's signature again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[tuple[str, bytes]]:
        """The lists, one a login and CA, beside the thumbprint of the CA's certificate. Raises StoreFault."""
        return [(row["authority"], row["list"]) for row in await self._database.fetch("kept_crls")]

    async def keep(self, authority: str, age: tuple[int, datetime], der: bytes) -> None:
        """Keeps a list unless a newer one of its CA is kept. `age`: number and date. Raises StoreFault."""
        number, issued_at = age
        await self._database.fetch("keep_crl", authority, str(number), issued_at, der)
