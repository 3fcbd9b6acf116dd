"""戸口の文書: OpenAPI documents of the doors that speak HTTP. `make schemas` writes them."""

import json
from pathlib import Path

from http_bridge import BRIDGE, WINDOW
from jukinet_daemon.ops.held import Reason
from jukinet_daemon.ops.maintenance import MOST_REASON_BYTES
from jukinet_daemon.ops.restart import MOST_REASON_CHARACTERS
from jukinet_daemon.wire.parcel import MAX_PARCEL_NUMBER
from openapi import (
    AREA,
    COUNT,
    NUMBER,
    TEXT,
    YES,
    Json,
    answer,
    by_name,
    maybe,
    operation,
    parameter,
    plain,
    some,
    table,
)

FOLDER = Path(__file__).parents[1] / "schemas" / "http"
HELD = dict.fromkeys(("id", "sender", "code", "why", "why_en", "notified_on", "held_at"), TEXT)
SETTLED = some(
    table(
        notice_id=TEXT, outcome=maybe(TEXT), text=maybe(TEXT), applied=YES,
        kind={"enum": ["ACCEPTED", "HELD", "REFUSED", "LATER", "REJECTED"]},
    )
)  # fmt: skip
GAP = table(sender=AREA, first=COUNT, last=COUNT, seconds=NUMBER)
LEAP = table(sender=AREA, highest=COUNT, number=COUNT)
REUSE = table(sender=AREA, number=COUNT, digest=TEXT)
NUMBERS = table(missing=some(GAP), reused=some(REUSE), leapt=some(LEAP), unsummarised=YES)
# In the report a number that was used again is one of a range: of many, healthz must not tell each.
NUMBERS_REPORTED = table(
    missing=some(GAP),
    reused=some(table(sender=AREA, first=COUNT, last=COUNT)),
    leapt=some(LEAP),
    unsummarised=YES,
)
NUMBERS_SETTLED = table(sender=AREA, missing=some(some(COUNT)), reused=some(COUNT), applied=YES)
LOG = table(origin=TEXT, verifiers=some(TEXT))
LOG_BEGUN = table(
    old=table(origin=TEXT, size=COUNT), conflicts=some({"type": "object"}), new=LOG, applied=YES
)
MAINTENANCE: Json = {
    "oneOf": [table(on={"const": False}), table(on={"const": True}, until=TEXT, reason=TEXT, operator=TEXT)]
}
STEPS = some(
    {
        "type": "object",
        "properties": {
            "step": {"enum": ["received", "answered", "held", "settled", "recorded", "waiting", "receipted"]},
            "at": maybe(TEXT),
        },
        "required": ["step", "at"],
    }
)
# What a part of the report says in full is told in docs/operator/running.md; here, which parts there are.
REPORT: Json = {
    "type": "object",
    "properties": {
        "register": {"enum": ["juki", "fuhyo"]},
        "server": TEXT,
        "time": TEXT,
        "doors": by_name({"type": "object", "required": ["listen", "open"]}),
        "certificates": some(table(name=TEXT, not_after=TEXT, days_left=NUMBER)),
        "credentials": some(table(half=TEXT, fault=TEXT)),
        "peers": table(inside=some({"type": "object"}), refused=some({"type": "object"})),
        "keys": by_name({}),
        "database": {"type": "object", "properties": {"ok": YES}, "required": ["ok"]},
        "outbox": table(records=COUNT, oldest_seconds=NUMBER, refused=COUNT),
        "held": COUNT,
        "municipalities": some(table(code=AREA, name=TEXT, last_notice=maybe(TEXT))),
        "maintenance": MAINTENANCE,
        "numbers": NUMBERS_REPORTED,
        "problems": some(TEXT),
        "status": {"enum": ["ok", "attention"]},
    },
    "required": [
        *("register", "server", "time", "doors", "certificates", "peers", "keys", "database"),
        *("problems", "status"),
    ],
}


_ID = parameter("id", "path", minLength=1, description="通知番号 / notice id (UUID)")
_SENDER = parameter("sender", "path", pattern="^[0-9]{6}$")
_APPLY = parameter("apply", optional=True, enum=["true", "false"])
_WHY = parameter("reason", minLength=1, maxLength=MOST_REASON_CHARACTERS)
_REASON = parameter("reason", enum=list(Reason))
_SHORT = parameter("reason", optional=True, maxLength=MOST_REASON_BYTES)
_PARCEL: Json = {"type": "integer", "minimum": 1, "maximum": MAX_PARCEL_NUMBER}

_SETTLE = operation(
    "待つのをやめる / wait no longer",
    NUMBERS_SETTLED,
    *(_SENDER, parameter("first", **_PARCEL), parameter("last", **_PARCEL), _APPLY),
)
_SETTLE["responses"]["404"] = plain("団体コードの形でない / not the code of a municipality")

CONTROL: Json = {
    "/status": {"get": operation("状態 / the state", REPORT)},
    "/held": {"get": operation("保留の一覧 / what is held", some(table(**HELD)))},
    "/held/{id}": {
        "get": operation(
            "保留一件。見たことは証跡に残る / one held notice; the look is recorded",
            table(**HELD, notice={"type": "object"}, born=maybe(TEXT)),
            _ID,
        )
    },
    "/held/{id}/release": {"post": operation("もう一度判断する / decide again", SETTLED, _ID, _APPLY)},
    "/held/{id}/reject": {"post": operation("退ける / reject", SETTLED, _ID, _APPLY, _REASON)},
    "/trace/{id}": {"get": operation("通知の足取り / the way of a notice", STEPS, _ID)},
    "/numbers": {"get": operation("欠番と重番 / missing and reused numbers", NUMBERS)},
    "/numbers/{sender}/settle": {"post": _SETTLE},
    "/ledger": {"get": operation("証跡の記録列 / the log", LOG)},
    "/ledger/restart": {"post": operation("新しい記録列 / a new log", LOG_BEGUN, _WHY, _APPLY)},
    "/maintenance": {
        "get": operation("保守中か / whether under maintenance", MAINTENANCE),
        "post": operation("保守を始める / begin", MAINTENANCE, parameter("until"), _SHORT),
        "delete": operation("保守を終える / end", MAINTENANCE),
    },
}
HEALTH: Json = {
    "/livez": {"get": {"responses": {"200": answer("動いている / it turns", table(live={"const": True}))}}},
    "/readyz": {
        "get": {
            "responses": {
                "200": answer("受けられる / notices can be taken", table(ready={"const": True})),
                "503": answer("受けられない / they cannot", table(ready={"const": False})),
            }
        }
    },
    "/healthz": {"get": {"responses": {"200": answer("状態 / the state", REPORT)}}},
    "/metrics": {
        "get": {
            "responses": {
                "200": {
                    "description": "Prometheus",
                    "content": {"text/plain; version=1.0.0; charset=utf-8": {"schema": TEXT}},
                }
            }
        }
    },
}
DOORS = {
    "control": ("操作の戸口 / control door (Unix socket)", CONTROL),
    "health": ("健康の戸口 / health door (loopback)", HEALTH),
    "bridge": ("橋の戸口 / bridge door (mutual TLS)", BRIDGE),
    "window": ("橋の窓口 / bridge window of the 附票 server (Unix socket)", WINDOW),
}


def document(door: str) -> Json:
    """The OpenAPI document of a door."""
    title, paths = DOORS[door]
    return {"openapi": "3.1.0", "info": {"title": title, "version": "0.1.0"}, "paths": paths}


def http_documents() -> dict[Path, str]:
    """Each file with its text."""
    return {
        FOLDER / f"{door}.json": json.dumps(document(door), ensure_ascii=False, indent=1) + "\n"
        for door in DOORS
    }
