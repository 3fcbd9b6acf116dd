"""受領の仕事: takes batches from the lanes, has them answered, gives the lanes back."""

import structlog

from jukinet_daemon.service.batch import later_answer
from jukinet_daemon.service.lanes import Answer, Lanes, Waiting
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.service.receive import Receiver

log = structlog.get_logger()


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
        for waiting, answers in zip(sound, await self._received(sound), strict=True):
            _keep_promise(waiting, answers)

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
