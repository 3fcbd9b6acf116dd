"""封をしたもの: a delivery, an answer, a value of the database open as what was sealed, or not at all."""

import re
from unittest.mock import patch

from jukinet_daemon.vault import age
from jukinet_daemon.vault.age import AgeFault, AgeWriter, open_age
from jukinet_daemon.vault.fields import Vault, VaultFault
from jukinet_daemon.vault.keyring import new_keyring
from jukinet_daemon.vault.seal import RequestKey, SealFault, seal_to
from jukinet_daemon.wire.kept import KeptFault, kept_form, signed_again

from .target import Target, only

_PASSWORD, _PLAIN = "a password of many letters", "123456789018 髙島\n".encode() * 4000
# So that a try takes no fifth of a second; a file that asks for more than that many rounds is left out.
_WORK, _MOST_WORK = 3, 5
_ASKED = re.compile(rb"^-> scrypt [^ ]* ([0-9]+)$", re.MULTILINE)


def _delivered(plain: bytes) -> bytes:
    with patch.object(age, "WORK", _WORK):
        writer = AgeWriter(_PASSWORD)
        return writer.begin() + writer.add(plain) + writer.finish()


def _delivery(data: bytes) -> None:
    if any(len(rounds) > 9 or int(rounds) > _MOST_WORK for rounds in _ASKED.findall(data)):
        return
    opened = b""

    def to_its_end() -> bytes:
        nonlocal opened
        for piece in open_age((data[begin : begin + 999] for begin in range(0, len(data), 999)), _PASSWORD):
            opened += piece
        return opened

    whole = only(to_its_end, AgeFault)
    sealed = (_PLAIN, b"")
    assert any(plain.startswith(opened) for plain in sealed), "a piece opens that nobody sealed"
    assert whole is None or whole in sealed, "a file that was cut opens to its end"


_LONG, _EMPTY = _delivered(_PLAIN), _delivered(b"")
_CHUNK_ENDS = len(_LONG) - (len(_PLAIN) % (64 * 1024) + 16)
DELIVERY = Target(
    "delivery",
    _delivery,
    (
        _LONG,
        _EMPTY,
        _LONG[:_CHUNK_ENDS],
        _LONG + b"\0",
        _EMPTY.replace(b" 3\n", b" 0\n", 1),
        _EMPTY.replace(b" 3\n", b" 03\n", 1),
        _EMPTY.replace(b"--- ", b"--- \xff", 1),
        _EMPTY.replace(b"scrypt ", b"scrypt \xff", 1),
    ),
)

_KEY = RequestKey()
_ANSWER, _BOUND = b'{"code":"B100"}', b"digest/id"
_SEALED = seal_to(_KEY.public, _ANSWER, _BOUND)


def _answer(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    assert only(lambda: _KEY.open(text, _BOUND), SealFault) in (None, _ANSWER), "nobody gave that"
    only(lambda: seal_to(text, _ANSWER, _BOUND), SealFault)


SEALED_ANSWER = Target(
    "sealed-answer",
    _answer,
    (_SEALED.encode(), _KEY.public.encode(), b"A" * 43, b"_" * 43, b"A", "髙".encode(), b"=" * 8),
)

_VAULT, _PLACE, _VALUE = Vault(new_keyring()), "history/1/individual_number", b"123456789018"


def _value(data: bytes) -> None:
    opened = only(lambda: _VAULT.open(_PLACE, data), VaultFault)
    assert opened in (None, _VALUE), "a value opens that nobody sealed"


SEALED_VALUE = Target(
    "sealed-value",
    _value,
    (_VAULT.seal(_PLACE, _VALUE), _VAULT.seal("elsewhere", _VALUE), b"", b"\0", b"\0\1", b"\0\1" + bytes(12)),
)

_SMALL, _LARGE = "eyJh.e30.sig", "eyJh." + "e30" * 4000 + ".sig"


def _kept(data: bytes) -> None:
    signed = only(lambda: signed_again(data), KeptFault)
    assert signed is None or signed.isascii()
    if signed and signed.startswith("ey"):
        assert signed_again(kept_form(signed)) == signed, "what was kept is not what was signed"


_BOMB = kept_form("A" * (3 * 1024 * 1024))
KEPT_PARCEL = Target(
    "kept-parcel",
    _kept,
    (kept_form(_SMALL), kept_form(_LARGE), _BOMB, kept_form(_LARGE)[:-4], b"", b"ey\xff"),
)
