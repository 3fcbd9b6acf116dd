"""受領の仕事: takes batches from the lanes, has them answered, gives the lanes back."""

from collections.abc import Sequence

import structlog

from jukinet_daemon.service.batch import later_answer
from jukinet_daemon.service.lanes import Answer, Arrival, Lanes, Waiting
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.service.receive import Receiver

log = structlog.get_logger()

# The journal takes a line of 48 KiB at most (LineMax=); a parcel's part of one has up to 150 bytes.
TOLD_AT_ONCE = 256


class ReceiveLoop:
    """One worker. Several may share the lanes."""

    def __init__(self, lanes: Lanes, receiver: Receiver, metrics: Metrics, batch_notices: int) -> None:
        self._lanes = lanes
        self._receiver = receiver
        self._metrics = metrics
        self._batch_notices = batch_notices

    async def run(self) -> None:
        """Works until the lanes are stopped and empty."""
        while batch := await self._lanes.take(self._batch_notices):
            self._metrics.lanes_depth.set(self._lanes.depth)
            self._metrics.batch_notices.observe(sum(len(w.arrival.parcel.notices) for w in batch))
            try:
                with self._metrics.batch_seconds.time():
                    await self._answer(batch)
            finally:
                await self._lanes.release(batch)

    async def _answer(self, batch: list[Waiting]) -> None:
        broken = [waiting for waiting in batch if waiting.arrival.line.broken]
        for waiting in broken:
            _keep_promise(waiting, _all_later(waiting))
        sound = [waiting for waiting in batch if not waiting.arrival.line.broken]
        answered = list(zip(sound, await self._received(sound), strict=True))
        for waiting, answers in answered:
            _keep_promise(waiting, answers)
        _tell_accepted(answered)

    async def _received(self, batch: list[Waiting]) -> list[list[Answer]]:
        try:
            return await self._receiver.receive([waiting.arrival for waiting in batch])
        except Exception as fault:
            log.error("batch_tripped", fault=type(fault).__name__, parcels=len(batch))
            return [await self._alone(waiting) for waiting in batch]

    async def _alone(self, waiting: Waiting) -> list[Answer]:
        if waiting.arrival.line.broken:
            return _all_later(waiting)
        try:
            answers = (await self._receiver.receive([waiting.arrival]))[0]
        except Exception as fault:
            log.error("parcel_tripped", fault=type(fault).__name__, digest=waiting.arrival.digest)
            answers = _all_later(waiting)
        _break_if_later(waiting, answers)
        return answers


def _tell_accepted(answered: Sequence[tuple[Waiting, list[Answer]]]) -> None:
    """Logs the parcels of a batch that have durable answers.

    One line a batch and not a parcel: under load, where it counts, it costs a parcel of one notice little.
    """
    taken = [(waiting.arrival, answers) for waiting, answers in answered if not _all_are_later(answers)]
    for start in range(0, len(taken), TOLD_AT_ONCE):
        log.info(
            "parcels_accepted",
            parcels=[_told(arrival, answers) for arrival, answers in taken[start : start + TOLD_AT_ONCE]],
        )


def _told(arrival: Arrival, answers: list[Answer]) -> dict[str, str | int]:
    parcel = arrival.parcel
    return {
        "sender": parcel.sender,
        "number": parcel.number,
        "digest": arrival.digest,
        "notices": len(answers),
        "repeated": sum(answer.repeated for answer in answers),
        "later": sum(answer.later for answer in answers),
    }


def _all_are_later(answers: list[Answer]) -> bool:
    return all(answer.later for answer in answers)


def _all_later(waiting: Waiting) -> list[Answer]:
    return [later_answer(raw) for raw in waiting.arrival.parcel.notices]


def _break_if_later(waiting: Waiting, answers: list[Answer]) -> None:
    if any(answer.later for answer in answers):
        waiting.arrival.line.broken = True


def _keep_promise(waiting: Waiting, answers: list[Answer]) -> None:
    _break_if_later(waiting, answers)
    # Whoever waited may be gone with its line; the notices are committed all the same.
    if not waiting.answers.done():
        waiting.answers.set_result(answers)
