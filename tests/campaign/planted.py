"""仕込んだ誤り: python -m campaign.planted FAULT ARGUMENTS: a program of ours with one error planted in it.

The errors are those that a server of this kind is known to make. The judge must catch each of them; what it
does not catch, it cannot be trusted to rule out. None of this exists outside the tests.
"""

import asyncio
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from jukinet_daemon.cli import jukinet_sim, jukinetd
from jukinet_daemon.server import notices
from jukinet_daemon.sim import national
from jukinet_daemon.store import pool
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.inbox import Committed, DecisionRow, Inbox, ParcelRow
from jukinet_daemon.store.outbox import Outbox, Outgoing

HERE = "campaign.planted"
# Where a planted procedure stands still until the test lets it go on.
GATE = 4711
_left_behind: list["asyncio.Task[Any]"] = []


def acknowledge_before_commit() -> None:
    """Says done, and commits meanwhile."""
    commit = Inbox.commit

    async def hasty(
        self: Inbox, parcels: Iterable[ParcelRow], decisions: Sequence[DecisionRow], repeats: Sequence[str]
    ) -> list[Committed]:
        _left_behind.append(asyncio.create_task(commit(self, parcels, decisions, repeats)))
        return [Committed.DONE for _ in decisions]

    _put(Inbox, "commit", hasty)


def swallow_an_io_error() -> None:
    """Takes a commit that failed for one that did not."""
    commit = Inbox.commit

    async def careless(
        self: Inbox, parcels: Iterable[ParcelRow], decisions: Sequence[DecisionRow], repeats: Sequence[str]
    ) -> list[Committed]:
        try:
            return await commit(self, parcels, decisions, repeats)
        except StoreFault:
            return [Committed.DONE for _ in decisions]

    _put(Inbox, "commit", careless)


def forgetful_deduplication() -> None:
    """Remembers no id that it has seen; the database that goes with it is FORGETFUL."""
    _requery("find_known", "WHERE notice_id", "WHERE false AND notice_id")


FORGETFUL = """
ALTER TABLE inbox DROP CONSTRAINT inbox_pkey;
ALTER TABLE outbox DROP CONSTRAINT outbox_notice_id_key;
"""


def answer_altered() -> None:
    """Writes an answer anew when it is asked for again."""
    write: Callable[..., bytes] = vars(notices)["write_reply"]

    def anew(head: Any, answers: Sequence[str], repeated: Sequence[int], answered_at: str) -> bytes:
        texts = [
            re.sub(r'"salt":".', '"salt":"_', text) if place in repeated else text
            for place, text in enumerate(answers)
        ]
        return write(head, texts, repeated, answered_at)

    _put(notices, "write_reply", anew)


def unordered_relay() -> None:
    """Relays what it finds, the newest first."""
    _requery("find_outgoing", "ORDER BY outbox_id", "ORDER BY outbox_id DESC")


_CLOSE_UNSEEN = """
WITH closed AS (INSERT INTO receipt (parcel_digest, signed) VALUES ('', '') RETURNING receipt_id)
UPDATE outbox SET receipt_id = closed.receipt_id FROM closed WHERE outbox_id = ANY ($1)
"""


def mark_sent_before_sending() -> None:
    """Closes a record when it is about to send it."""
    waiting = Outbox.waiting

    async def closing(self: Outbox, limit: int) -> list[Outgoing]:
        found = await waiting(self, limit)
        if found:
            await self._connection.execute(_CLOSE_UNSEEN, [item.outbox_id for item in found])
        return found

    _put(Outbox, "waiting", closing)


def forgetful_national() -> None:
    """A national server that remembers nothing when it is started again."""
    _put(national, "read_journal", lambda _path: ())


def sound() -> None:
    """Nothing is planted: the launcher itself does no harm."""


FAULTS: Mapping[str, Callable[[], None]] = {
    fault.__name__: fault
    for fault in (
        sound,
        acknowledge_before_commit,
        swallow_an_io_error,
        forgetful_deduplication,
        answer_altered,
        unordered_relay,
        mark_sent_before_sending,
        forgetful_national,
    )
}


def outbox_in_a_second_transaction(procedure: str) -> str:
    """The commit procedure, with the place in the outbox written after the record's commit."""
    return _behind_the_commit(procedure, r"INSERT INTO outbox[^;]*;", "(d.history).person_id IS NOT NULL")


def leaf_after_commit(procedure: str) -> str:
    """The commit procedure, with the leaf written after the commit of what it tells of."""
    return _behind_the_commit(procedure, r"INSERT INTO ledger[^;]*;", "true")


def _behind_the_commit(procedure: str, statement: str, guard: str) -> str:
    """Moves a statement behind the commit of its decision and a gate, into a transaction of its own."""
    (moved,) = re.findall(statement, procedure)
    taken_out = procedure.replace(moved, "NULL;")
    behind = f"COMMIT; PERFORM pg_advisory_xact_lock({GATE}); IF {guard} THEN {moved} END IF; COMMIT;"
    planted, count = re.subn(r"COMMIT;(?=\s*results := array_append\(results, 'done'\))", behind, taken_out)
    assert count == 1, "the commit procedure is no longer what this fault was made for"
    return planted


def _requery(name: str, old: str, new: str) -> None:
    load = vars(pool)["load_queries"]

    def altered(register: str) -> Mapping[str, str]:
        queries = dict(load(register))
        assert old in queries[name], f"the query {name} is no longer what this fault was made for"
        return queries | {name: queries[name].replace(old, new)}

    _put(pool, "load_queries", altered)


def _put(place: Any, name: str, planted: Any) -> None:
    assert hasattr(place, name), f"{place.__name__}.{name} is gone: this fault needs another place"
    setattr(place, name, planted)


def main() -> int:
    """Plants the fault that the first argument names and runs the program that the second one tells."""
    fault, first, *_ = sys.argv[1:]
    FAULTS[fault]()
    program = jukinetd.main if first.startswith("--") else jukinet_sim.main
    return program(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
