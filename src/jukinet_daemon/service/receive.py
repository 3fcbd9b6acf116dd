"""受領: a batch of parcels to durable answers. The step numbers are those of docs/life-of-a-notice.md."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext

import structlog

from jukinet_daemon.domain.decide import decide, hold
from jukinet_daemon.domain.notice import Key
from jukinet_daemon.service.batch import (
    House,
    Item,
    Judge,
    Planner,
    items_of,
    later_answer,
    one_of_each_new_id,
    parcel_row,
    strangers,
)
from jukinet_daemon.service.lanes import FEW, Answer, Arrival
from jukinet_daemon.store.faults import RowFault, StoreFault
from jukinet_daemon.store.inbox import Committed, Inbox, ParcelRow
from jukinet_daemon.unhurried import unhurried

log = structlog.get_logger()

# A decision loses its race only to another writer of the same person; more rounds than this mean trouble.
MAX_ROUNDS = 8
# Senders whose notices are put off come again within seconds; a failure that nobody met again is over.
FAILING_COUNTS_S = 15.0

Place = tuple[int, int]


class Receiver:
    """Takes parcels in batches and answers each notice once its outcome is durable."""

    def __init__(self, house: House, inbox: Inbox) -> None:
        self._house = house
        self._inbox = inbox
        self._failed: tuple[float, float] | None = None
        self._thinking = asyncio.Lock()

    @property
    def failing_seconds(self) -> float | None:
        """For how long no batch could be committed; None once one could, or when none comes any more."""
        if self._failed is None:
            return None
        now = asyncio.get_running_loop().time()
        first, last = self._failed
        return now - first if now - last < FAILING_COUNTS_S else None

    def _fail(self) -> None:
        now = asyncio.get_running_loop().time()
        self._failed = (self._failed[0] if self.failing_seconds is not None and self._failed else now, now)

    async def receive(self, arrivals: Sequence[Arrival]) -> list[list[Answer]]:
        """Gives an answer for each notice of each parcel, in order; those that are not LATER are durable.

        Never raises for a failing database: what could not be taken is answered LATER and may be sent again.
        """
        answers: dict[Place, Answer] = {}
        try:
            parcel_ids = await self._inbox.parcel_numbers(len(arrivals))
            await self._work_through(arrivals, parcel_ids, answers)
            self._failed = None
        except StoreFault as fault:
            self._fail()
            log.error("batch_failed", fault=str(fault), parcels=len(arrivals))
        return [
            [
                answers.get((place, position)) or later_answer(raw)
                for position, raw in enumerate(arrival.parcel.notices)
            ]
            for place, arrival in enumerate(arrivals)
        ]

    async def _work_through(
        self, arrivals: Sequence[Arrival], parcel_ids: list[int], answers: dict[Place, Answer]
    ) -> None:
        places = {parcel_id: place for place, parcel_id in enumerate(parcel_ids)}
        async with self._turn(arrivals):
            items = [item async for item in unhurried(items_of(arrivals, parcel_ids, self._house))]
            parcels = [parcel_row(a, n, self._house.vault) for a, n in zip(arrivals, parcel_ids, strict=True)]
        for _round in range(MAX_ROUNDS):
            try:
                answered, items = await self._round(parcels, items)
            except RowFault as fault:
                log.error("row_refused", fault=str(fault), notices=len(items))
                answered, items = await self._one_by_one(parcels, items), []
            answers |= {(places[item.parcel_id], item.position): answer for item, answer in answered}
            parcels = []
            if not items:
                return
        log.error("batch_undecided", notices=len(items))

    def _turn(self, arrivals: Iterable[Arrival]) -> AbstractAsyncContextManager[None]:
        """Lets batches of large parcels think one after another; one of small parcels thinks beside them.

        Side by side they would take turns every few notices, all have thought at the same moment, and then
        all wait for the database at once, with nobody left to think.
        """
        large = any(len(arrival.parcel.notices) > FEW for arrival in arrivals)
        return self._thinking if large else nullcontext()

    async def _one_by_one(self, parcels: list[ParcelRow], items: list[Item]) -> list[tuple[Item, Answer]]:
        """Isolates the notice that the database cannot take: it is held, its neighbours are answered.

        Where even holding fails it stays LATER, and so do later notices about its person.
        """
        answered: list[tuple[Item, Answer]] = []
        behind: set[Key] = set()
        for item in items:
            waits = await self._is_behind(item, behind)
            done = [] if waits else await self._alone(parcels, item)
            answered += done
            behind.update(() if done else item.keys)
        return answered

    async def _is_behind(self, item: Item, behind: set[Key]) -> bool:
        """Whether a notice is about a person of these keys, by whichever key of that person it goes."""
        if not behind or behind.intersection(item.keys):
            return bool(behind)
        people = (await self._inbox.known((), [*behind, *item.keys])).people
        kept_back = {people[key].person_id for key in behind if key in people}
        return any(people[key].person_id in kept_back for key in item.keys if key in people)

    async def _alone(self, parcels: list[ParcelRow], item: Item) -> list[tuple[Item, Answer]]:
        for judge in (decide, hold):
            try:
                answered, _again = await self._round(parcels, [item], judge)
            except RowFault as fault:
                log.error("notice_cannot_be_stored", fault=str(fault), notice_id=item.id)
            else:
                return answered
        return []

    async def _round(
        self, parcels: list[ParcelRow], items: list[Item], judge: Judge = decide
    ) -> tuple[list[tuple[Item, Answer]], list[Item]]:
        """Reads, decides, commits; gives what is answered and what must go round again."""
        # 5 read: what is known of these ids and these persons
        notices = {(item.id, item.fingerprint) for item in items if item.id}
        known = await self._inbox.known(notices, list({key for item in items for key in item.keys}))
        now, later = one_of_each_new_id(items, known)
        fresh = await self._inbox.person_numbers(strangers(now, known))
        # 6 decide, on nothing but what was read: the commit finds out who moves a person meanwhile
        planner = Planner(known, iter(fresh), self._house, judge)
        async with self._turn(item.arrival for item in now):
            async for item in unhurried(now):
                planner.add(item)
            made = planner.plan
            rows = await self._inbox.decision_rows([entry for _, entry, _ in made.entries])
        # 7 commit: one transaction each, durable together
        results = await self._inbox.commit(parcels, rows, [item.id for item, _ in made.repeats if item.id])
        answered = list(made.repeats)
        for (item, _, answer), result in zip(made.entries, results, strict=True):
            if result is Committed.DONE:
                answered.append((item, answer))
            else:
                later.append(item)
        return answered, sorted(later, key=lambda item: (item.parcel_id, item.position))
