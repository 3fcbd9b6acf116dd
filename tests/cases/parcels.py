"""電文の事例: parcels that are wrong in their envelope, their JSON or their own fields."""

import json

from cases.case import coded, numbered
from cases.people import NAME
from support.forge import (
    changed,
    false_signature,
    of_text,
    other_typ,
    other_x5t,
    rewritten,
    sealed,
    with_header,
)
from support.world import KITAKYUSHU

DEEP = "[" * 100_000 + "]" * 100_000


def _refused(code: str, field_name: str | None = None) -> tuple[str, str]:
    return coded(code, field_name), f"parcel_refused {code}"


PARCELS = numbered(
    "P",
    (
        ("sender of another certificate", changed(sender=KITAKYUSHU), *_refused("P402", "sender")),
        ("another register", changed(register="fuhyo"), *_refused("P403", "register")),
        ("false signature", false_signature, *_refused("P400")),
        ("alg none", with_header(alg="none"), *_refused("P400")),
        ("alg HS256 with the public key", with_header(alg="HS256"), *_refused("P400")),
        ("crit of a wrong type", with_header(crit=5), *_refused("P400")),
        ("payload not base64url", with_header(b64=False, crit=["b64"]), *_refused("P400")),
        ("letter beyond ASCII", lambda line, notice: line.parcel(notice) + "髙", *_refused("P400")),
        ("no signature", with_header(), *_refused("P400")),
        ("other typ", other_typ, *_refused("P400")),
        ("other x5t", other_x5t, *_refused("P400")),
        ("empty message", lambda _line, _notice: "", *_refused("P400")),
        (
            "message that is no JWS",
            lambda _line, notice: json.dumps(notice, ensure_ascii=False),
            *_refused("P400"),
        ),
        ("not JSON", of_text(lambda text: text[:-1]), *_refused("P401")),
        ("JSON array", of_text(lambda text: f"[{text}]"), *_refused("P401")),
        ("JSON text", of_text(lambda _: f'"{NAME}"'), *_refused("P401")),
        ("not UTF-8", lambda line, _notice: sealed(line, b'{"register":"\xff\xfe"}'), *_refused("P401")),
        ("unknown field", changed(operator="somebody"), *_refused("P401")),
        ("unknown field with a person's name", changed(**{NAME: 1}), *_refused("P401")),
        ("field twice", of_text(lambda text: text[:-1] + ',"number":2}'), *_refused("P401", "number")),
        ("missing field", changed(sent_at=...), *_refused("P401", "sent_at")),
        ("other protocol", changed(protocol="jukinet/2"), *_refused("P401", "protocol")),
        ("number as text", changed(number="1"), *_refused("P401", "number")),
        ("number true", changed(number=True), *_refused("P401", "number")),
        ("number 0", changed(number=0), *_refused("P401", "number")),
        ("number past 2^53", changed(number=2**53), *_refused("P401", "number")),
        (
            "number of 5,000 digits",
            rewritten('"number": 1', f'"number": {"9" * 5000}'),
            *_refused("P401", "number"),
        ),
        ("number with a fraction", changed(number=1.5), *_refused("P401", "number")),
        ("no notices", changed(notices=[]), *_refused("P401", "notices")),
        ("501 notices", changed(notices=[{}] * 501), *_refused("P401", "notices")),
        ("notices as an object", changed(notices={}), *_refused("P401", "notices")),
        ("full-width sender", changed(sender="４０１３０７"), *_refused("P401", "sender")),
        ("lone surrogate", changed(sender="\ud800"), *_refused("P401", "sender")),
        ("NUL", changed(register="juki\0"), *_refused("P401", "register")),
        ("NaN in a notice", changed(notices=[{"id": float("nan")}]), *_refused("P401")),
        ("100,000 deep", rewritten('"notices": [', f'"notices": [{DEEP},'), *_refused("P401")),
        (
            "envelope of two parts",
            lambda line, notice: line.parcel(notice).rpartition(".")[0],
            *_refused("P400"),
        ),
        ("envelope of four parts", lambda line, notice: line.parcel(notice) + ".e30", *_refused("P400")),
        ("envelope with a line end", lambda line, notice: line.parcel(notice) + "\n", *_refused("P400")),
        ("envelope with padding", lambda line, notice: line.parcel(notice) + "==", *_refused("P400")),
        ("alg in lower case", with_header(alg="es256"), *_refused("P400")),
        ("alg ES384", with_header(alg="ES384"), *_refused("P400")),
        ("header with a key of its own (jwk)", with_header(jwk={"kty": "oct", "k": "AA"}), *_refused("P400")),
        (
            "header with an address to fetch (jku)",
            with_header(jku="https://elsewhere/keys"),
            *_refused("P400"),
        ),
        ("header that says compressed (zip)", with_header(zip="DEF"), *_refused("P400")),
        ("header with a deep list", with_header(x=[[[[[[[[[[1]]]]]]]]]]), *_refused("P400")),
        ("payload empty", lambda line, _notice: sealed(line, b""), *_refused("P401")),
        ("byte order mark before the JSON", of_text(lambda text: "\ufeff" + text), *_refused("P401")),
        (
            "JSON in UTF-16",
            lambda line, _notice: sealed(line, '{"register":"juki"}'.encode("utf-16")),
            *_refused("P401"),
        ),
        (
            "surrogates in UTF-8 (CESU-8)",
            lambda line, _notice: sealed(line, b'{"register":"\xed\xa1\x82\xed\xbe\xb7"}'),
            *_refused("P401"),
        ),
        ("two JSON texts", of_text(lambda text: text + text), *_refused("P401")),
        ("comment in the JSON", of_text(lambda text: text[:-1] + "/* */}"), *_refused("P401")),
        ("comma at the end", of_text(lambda text: text[:-1] + ",}"), *_refused("P401")),
        ("single quotes", of_text(lambda text: text.replace('"', "'")), *_refused("P401")),
        ("NUL outside of any text", of_text(lambda text: text + "\0"), *_refused("P401")),
        ("control character unescaped in a text", rewritten("juki", "ju\x01ki"), *_refused("P401")),
        (
            "NUL escaped in a field's name",
            of_text(lambda text: text[:-1] + ',"\\u0000":1}'),
            *_refused("P401"),
        ),
        (
            "lone surrogate in a field's name",
            of_text(lambda text: text[:-1] + ',"\\ud800":1}'),
            *_refused("P401"),
        ),
        ("9 deep", changed(notices=[[[[[[[[1]]]]]]]]), *_refused("P401")),
        (
            "100,000 objects deep",
            rewritten('"number": 1', '"number": ' + '{"a":' * 100_000 + "1" + "}" * 100_000),
            *_refused("P401"),
        ),
        ("number 1e400", rewritten('"number": 1', '"number": 1e400'), *_refused("P401", "number")),
        ("number 1e2", rewritten('"number": 1', '"number": 1e2'), *_refused("P401", "number")),
        ("number -1", changed(number=-1), *_refused("P401", "number")),
        ("number 01", rewritten('"number": 1', '"number": 01'), *_refused("P401")),
        (
            "number of 4,000 digits",
            rewritten('"number": 1', f'"number": {"9" * 4000}'),
            *_refused("P401", "number"),
        ),
        ("number Infinity", rewritten('"number": 1', '"number": Infinity'), *_refused("P401")),
        ("number of full-width digits", rewritten('"number": 1', '"number": １'), *_refused("P401")),
        (
            "number with 10,000 decimals",
            rewritten('"number": 1', f'"number": 1.{"0" * 10_000}'),
            *_refused("P401", "number"),
        ),
        (
            "time as 10,000 digits",
            rewritten('"2026-11-23T09:00:00+09:00"', "1" * 10_000),
            *_refused("P401", "sent_at"),
        ),
        ("sender as a fraction", changed(sender=401307.5), *_refused("P401", "sender")),
        (
            "field twice, once escaped",
            of_text(lambda text: text[:-1] + ',"n\\u0075mber":2}'),
            *_refused("P401", "number"),
        ),
        (
            "field in capitals",
            of_text(lambda text: text.replace('"number"', '"Number"')),
            *_refused("P401", "number"),
        ),
        ("direction control in a value", changed(sender="40\u202e1307"), *_refused("P401", "sender")),
        ("zero-width space in a value", changed(register="ju\u200bki"), *_refused("P401", "register")),
        ("zero-width space in a field's name", changed(**{"re\u200bgister": "juki"}), *_refused("P401")),
        ("digits of another script", changed(sender="٤٠١٣٠٧"), *_refused("P401", "sender")),
        ("line end behind a value", changed(sender="401307\n"), *_refused("P401", "sender")),
        ("time without its zone", changed(sent_at="2026-11-23T09:00:00"), *_refused("P401", "sent_at")),
        ("time of no clock", changed(sent_at="2026-11-23T24:30:00+09:00"), *_refused("P401", "sent_at")),
        ("day of no calendar", changed(sent_at="2026-02-30T09:00:00+09:00"), *_refused("P401", "sent_at")),
        ("checkpoint of 4,097 characters", changed(checkpoint="x" * 4097), *_refused("P401", "checkpoint")),
        ("checkpoint as a number", changed(checkpoint=1), *_refused("P401", "checkpoint")),
        (
            "unknown field twice, with a person's name",
            of_text(lambda text: text[:-1] + f',"{NAME}":1,"{NAME}":2}}'),
            *_refused("P401"),
        ),
    ),
)
