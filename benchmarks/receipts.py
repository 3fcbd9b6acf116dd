"""全国サーバの受領証: how long it takes until every record has its receipt."""

import asyncio
from collections.abc import Iterable
from datetime import datetime

from benchmarks.stage import Connection

_LOOK_S = 0.02


async def all_relayed(look: Connection) -> None:
    """Waits until no record waits for a receipt. The look is an index probe."""
    waiting = "SELECT EXISTS (SELECT FROM outbox WHERE receipt_id IS NULL)"
    while await look.fetchval(waiting):  # noqa: ASYNC110 - another process writes it
        await asyncio.sleep(_LOOK_S)


async def receipted_at(look: Connection, ids: Iterable[str]) -> dict[str, datetime]:
    """When the receipt that covers each notice was written."""
    found = await look.fetch(
        "SELECT o.notice_id::text AS id, r.received_at FROM outbox AS o JOIN receipt AS r USING (receipt_id) "
        "WHERE o.notice_id = ANY ($1::uuid[])",
        list(ids),
    )
    return {row["id"]: row["received_at"] for row in found}
