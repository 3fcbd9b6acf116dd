"""履歴: all records of one person, as they entered the file."""

from jukinet_daemon.domain.as_of import Recorded
from jukinet_daemon.domain.notice import Key
from jukinet_daemon.store import rows
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.pool import Database
from jukinet_daemon.vault.fields import Vault, VaultFault


class History:
    """The database behind questions about the past, read in the role jukinet_history."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def of(self, key: Key) -> list[Recorded]:
        """The records of the person that a key names, in order of version; none where the file has nobody.

        The key is a 住民票コード, present or past, or a sender's record key. Raises StoreFault, also for a
        record whose sealed values do not open.
        """
        found = await self._database.fetch("find_history", key.kind, key.value)
        try:
            return [Recorded(rows.record_of(row, self._vault), row["recorded_at"]) for row in found]
        except VaultFault as fault:
            raise StoreFault(f"a record cannot be opened: {fault}") from None
