"""電文: a parcel is read as its schema says."""

from jukinet_daemon.wire.parcel import Parcel, ParcelFault, read_parcel, write_parcel
from jukinet_daemon.wire.text import Duplicated, JsonFault, read_json
from support.notices import juki_change

from .schema import agree
from .target import Target, only

NOW = "2026-11-23T09:00:00.000+09:00"


def _run(data: bytes) -> None:
    read = only(lambda: read_parcel(data), ParcelFault)
    raw = only(lambda: read_json(data, marked=True), JsonFault)
    if raw is not None and not isinstance(raw, Duplicated):
        agree(("parcel",), raw, taken=read is not None)


_SOUND = write_parcel(Parcel("juki", "401307", 7, (juki_change(), {}, None)), NOW)
TARGET = Target(
    "parcel",
    _run,
    (
        _SOUND,
        _SOUND.replace(b'"number":7', b'"number":7,"number":8'),
        _SOUND.replace(b'"number":7', b'"number":' + b"9" * 4000),
        _SOUND.replace(b'"number":7', b'"number":7.0'),
        _SOUND.replace(b'"sender"', b'"\xe9\xab\x99"'),
        b"[]",
    ),
)
