"""Parcels that are wrong in their envelope or in their JSON text."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

from jukinet_daemon.keys import signing_key
from jukinet_daemon.pki.peer import Role
from jukinet_daemon.pki.tls import TlsFiles
from jukinet_daemon.wire.envelope import PARCEL_TYPE, REPLY_TYPE, SigningKey, seal
from support.notices import juki_change
from support.world import KITAKYUSHU, CsLine

Forgery = Callable[[CsLine, dict[str, Any]], str]


def sealed(line: CsLine, payload: bytes | str) -> str:
    """Any bytes under a true signature."""
    data = payload if isinstance(payload, bytes) else payload.encode()
    return seal(data, PARCEL_TYPE, line.caller.key)


def fields(*notices: Any, **changes: Any) -> dict[str, Any]:
    """The fields of a sound parcel of 福岡市, changed."""
    sound = {
        "protocol": "jukinet/1",
        "register": "juki",
        "sender": "401307",
        "number": 1,
        "sent_at": "2026-11-23T09:00:00+09:00",
        "notices": list(notices),
    }
    return {name: value for name, value in (sound | changes).items() if value is not ...}


def changed(**changes: Any) -> Forgery:
    """A parcel with other fields; what JSON cannot say in UTF-8 is escaped."""
    return lambda line, notice: sealed(line, json.dumps(fields(notice, **changes)))


def of_text(write: Callable[[str], str]) -> Forgery:
    """A parcel whose JSON text is rewritten before it is signed."""
    return lambda line, notice: sealed(line, write(json.dumps(fields(notice), ensure_ascii=False)))


def rewritten(old: str, new: str) -> Forgery:
    """A parcel in whose JSON text one thing stands for another."""
    return of_text(lambda text: text.replace(old, new))


def with_header(**header: Any) -> Forgery:
    """A parcel under another JWS header and no true signature."""

    def forge(line: CsLine, notice: dict[str, Any]) -> str:
        head = {"alg": "ES256", "typ": PARCEL_TYPE, "x5t#S256": line.caller.key.thumbprint} | header
        text = f"{_base64(json.dumps(head))}.{_base64(json.dumps(fields(notice)))}"
        public = line.caller.key.key.as_pem(private=False)
        signature = hmac.digest(public, text.encode(), hashlib.sha256) if head["alg"] == "HS256" else b""
        return f"{text}.{_base64(signature)}"

    return forge


def false_signature(line: CsLine, notice: dict[str, Any]) -> str:
    """A parcel whose payload is not the one that was signed."""
    head, _, signature = line.parcel(juki_change()).split(".")
    return ".".join((head, line.parcel(notice).split(".")[1], signature))


def other_typ(line: CsLine, notice: dict[str, Any]) -> str:
    return seal(json.dumps(fields(notice)).encode(), REPLY_TYPE, line.caller.key)


def other_x5t(line: CsLine, notice: dict[str, Any]) -> str:
    key = SigningKey(line.caller.key.key, "A" * 43)
    return seal(json.dumps(fields(notice)).encode(), PARCEL_TYPE, key)


def others_key(files: Callable[[Role, str], TlsFiles]) -> Forgery:
    """A parcel signed by another municipality, in truth."""
    return lambda _line, notice: seal(
        json.dumps(fields(notice)).encode(), PARCEL_TYPE, signing_key(files(Role.CS, KITAKYUSHU))
    )


def _base64(data: str | bytes) -> str:
    raw = data.encode() if isinstance(data, str) else data
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
