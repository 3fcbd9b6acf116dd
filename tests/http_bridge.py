"""橋の戸口と窓口の文書: what the other server is answered, what operators of the 附票 server are."""

from pydantic import BaseModel

from jukinet_daemon.server.bridge import PATH
from jukinet_daemon.server.forms import CaseForm, DeliveryForm, KeysForm
from openapi import COUNT, TEXT, Json, by_name, maybe, operation, parameter, plain, some, table

_JWS = r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$"
_SIGNED: Json = {"type": "string", "pattern": _JWS}

# What is signed, and how, is told in docs/bridge.md and schemas/messages; here, how it travels.
BRIDGE: Json = {
    PATH: {
        "post": {
            "summary": "問いを一つ / one question, signed",
            "requestBody": {"required": True, "content": {"application/jose": {"schema": _SIGNED}}},
            "responses": {
                "200": {
                    "description": "署名した答え / the answer, signed",
                    "content": {"application/jose; charset=utf-8": {"schema": _SIGNED}},
                },
                "400": plain("問いでない / not a question of this peer"),
                "403": plain("入れない / not the peer whose key is pinned"),
                "411": plain("長さがない / its length is not told"),
                "413": plain(
                    "大きすぎる。1 MiB を超えれば回線を切る / too large; past 1 MiB, the line is reset"
                ),
                "415": plain("圧縮などは受けない / in a coding, such as gzip"),
                "503": plain("記録できない / it cannot be recorded, so it is not answered"),
            },
        }
    }
}

_TOO_LARGE = {"413": plain("大きすぎる / too large")}
_CASE_ROW = table(
    **dict.fromkeys(("case_id", "office", "affair", "basis", "requested_by", "approved_by"), TEXT),
    **dict.fromkeys(("code", "opened_at", "expires_at", "ended_at"), maybe(TEXT)),
    state={"enum": ["open", "taken", "erased", "refused"]},
    outcomes=by_name(COUNT),
)
_OPENED: Json = {"oneOf": [table(case=TEXT, expires_at=TEXT), table(case=TEXT, code=TEXT, text=TEXT)]}
_ID = parameter("id", "path", minLength=1, description="事案の番号 / case id (UUID)")


def _with_form(told: Json, form: type[BaseModel]) -> Json:
    """The operation, with the form that it takes."""
    body = {"required": True, "content": {"application/json": {"schema": form.model_json_schema()}}}
    return told | {"requestBody": body, "responses": told["responses"] | _TOO_LARGE}


def _delivery() -> Json:
    told = operation("一度だけの引渡し / the one delivery", {}, _ID)
    sealed = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    file = {"description": "age の封 / a file sealed with the password (age)", "content": sealed}
    return _with_form(told | {"responses": told["responses"] | {"200": file}}, DeliveryForm)


WINDOW: Json = {
    "/bridge/cases": {
        "get": operation("新しい事案 / the newest cases", some(_CASE_ROW)),
        "post": _with_form(operation("事案を開く / open a case", _OPENED), CaseForm),
    },
    "/bridge/cases/{id}": {"get": operation("事案一件 / one case", _CASE_ROW, _ID)},
    "/bridge/cases/{id}/keys": {
        "post": _with_form(
            operation("人を問う / ask for persons", table(outcomes=by_name(COUNT)), _ID), KeysForm
        )
    },
    "/bridge/cases/{id}/delivery": {"post": _delivery()},
    "/bridge/cases/{id}/delivered": {
        "post": operation("引渡しを書き留めた / the delivery was kept whole", table(case=TEXT), _ID)
    },
}
