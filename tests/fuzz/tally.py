"""日次照合: a tally is read as its schema says."""

from datetime import date

from jukinet_daemon.wire.tally import Tally, TallyFault, read_tally, write_tally
from jukinet_daemon.wire.text import JsonFault, read_json

from .schema import agree
from .target import Target, only


def _run(data: bytes) -> None:
    read = only(lambda: read_tally(data), TallyFault)
    raw = only(lambda: read_json(data), JsonFault)
    agree(("tally",), raw, taken=read is not None)


_SOUND = write_tally(
    Tally("juki", "401307", date(2026, 11, 23), {"entry": (3, 1, 0)}), "2026-11-24T03:00:00.000+09:00"
)
TARGET = Target(
    "tally",
    _run,
    (
        _SOUND,
        _SOUND.replace(b"2026-11-23", b"2026-02-30"),
        _SOUND.replace(b":3", b":-3"),
        _SOUND.replace(b"401307", "４01307".encode()),
        b"[]",
    ),
)
