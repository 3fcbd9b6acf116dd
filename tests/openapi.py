"""戸口の文書の語彙: what the OpenAPI documents of the doors are put together from."""

from typing import Any

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
NUMBER: Json = {"type": "number"}
COUNT: Json = {"type": "integer", "minimum": 0}
YES: Json = {"type": "boolean"}
AREA: Json = {"type": "string", "pattern": "^[0-9]{6}$"}


def maybe(schema: Json) -> Json:
    """That, or nothing."""
    return {"anyOf": [schema, {"type": "null"}]}


def some(schema: Json) -> Json:
    """Any number of these."""
    return {"type": "array", "items": schema}


def table(**columns: Json) -> Json:
    """An object with these fields and no other."""
    return {
        "type": "object",
        "properties": columns,
        "required": sorted(columns),
        "additionalProperties": False,
    }


def by_name(schema: Json) -> Json:
    """An object of fields that are alike."""
    return {"type": "object", "additionalProperties": schema}


def answer(description: str, schema: Json) -> Json:
    """An answer in JSON."""
    return {"description": description, "content": {"application/json; charset=utf-8": {"schema": schema}}}


_PROBLEM = table(problem=TEXT)
_ANY_TIME = {
    "409": answer("できない。problem がわけを言う / it cannot be done, and why", _PROBLEM),
    "503": answer("データベースか鍵が使えない / the database or the keys are away", _PROBLEM),
}


def plain(description: str) -> Json:
    """An answer in a few words."""
    return {"description": description, "content": {"text/plain; charset=utf-8": {"schema": TEXT}}}


def operation(summary: str, schema: Json, *parameters: Json) -> Json:
    """An operation of an operators' door."""
    return {
        "summary": summary,
        **({"parameters": list(parameters)} if parameters else {}),
        "responses": {"200": answer(summary, schema), **_ANY_TIME},
    }


def parameter(name: str, where: str = "query", *, optional: bool = False, **schema: Any) -> Json:
    """A parameter: text, unless told otherwise."""
    text = {"type": "string", **schema}
    return {"name": name, "in": where, "required": not optional, "schema": text}
