"""全国サーバの模擬の回答: the numbers of people overseas whose last address was in another prefecture."""

from collections.abc import Mapping
from datetime import datetime

from jukinet_daemon.vault.seal import seal_to
from jukinet_daemon.wire.bridge import ASK_TYPE, Release, read_ask, write_answer, write_release
from jukinet_daemon.wire.envelope import VerifyingKey, digest_of, unseal

GIVEN, UNKNOWN = "B100", "B320"


def answer_numbers(signed: str, key: VerifyingKey, people: Mapping[str, str]) -> bytes:
    """The payload of the answer to a prefecture's signed question; `people` gives numbers by code.

    Raises SignatureFault or BridgeFault for what is no question of that prefecture.
    """
    asked = digest_of(signed)
    answers = []
    for request in read_ask(unseal(signed, ASK_TYPE, key)).requests:
        number = people.get(request.resident_code)
        release = write_release(Release(GIVEN if number else UNKNOWN, number))
        answers.append((request.id, seal_to(request.key, release, f"{asked}/{request.id}".encode())))
    return write_answer(asked, answers, datetime.now().astimezone().isoformat(timespec="milliseconds"))
