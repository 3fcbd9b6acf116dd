"""実務家の作り方: a notices service written in an afternoon, with the same SQL in the same tables.

nginx does mutual TLS in front; FastAPI on granian takes one notice a request; pydantic validates it; asyncpg
does the reads and writes in one transaction, and the answer goes out when it has committed. It is spared what
the daemon also does: signatures on both sides, sealing of the 個人番号, search keys, a fingerprint that tells
a repeat from a misuse, the rules of the register beyond the form. It imports nothing of the daemon.
"""

import hashlib
import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel, ConfigDict, StringConstraints

Digits6 = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
Digits8 = Annotated[str, StringConstraints(pattern=r"^[0-9A]{8}$")]
Digits11 = Annotated[str, StringConstraints(pattern=r"^[0-9]{11}$")]
Digits12 = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=400)]


class Person(BaseModel):
    model_config = ConfigDict(extra="forbid")

    resident_code: Digits11
    individual_number: Digits12 | None = None
    name: Text | None = None
    name_kana: Text | None = None
    former_family_name: Text | None = None
    former_family_name_kana: Text | None = None
    date_of_birth: Digits8
    birth_era: Literal["meiji", "taisho", "showa", "heisei", "reiwa"] | None = None
    sex: Literal["male", "female"] | None = None
    address: Text
    address_area: Digits6 | None = None


class Notice(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["change"]
    id: UUID
    area: Digits6
    change: Literal["entry", "correction"]
    cause: Text
    event_date: Digits8
    foreign: bool = False
    person: Person


JAPAN = timezone(timedelta(hours=9))
FIND_ANSWERS = (
    "SELECT notice_id::text, sender, fingerprint, answer FROM inbox WHERE notice_id = ANY ($1::uuid[])"
)
FIND_PEOPLE = """
SELECT k.kind, k.value, p.person_id, p.version, p.current, p.stays, p.waiting, p.coded
FROM unnest($1::text[], $2::text[]) AS wanted (kind, value)
JOIN person_key AS k ON k.kind = wanted.kind AND k.value = wanted.value
JOIN person AS p ON p.person_id = k.person_id
"""
ADD_INBOX = """
INSERT INTO inbox (notice_id, sender, parcel_id, fingerprint, outcome, code, answer)
VALUES ($1, $2, 1, $3, 'ACCEPTED', 'A100', $4) ON CONFLICT DO NOTHING
"""
ADD_PERSON = """
INSERT INTO person (person_id, version, current, stays, waiting, coded)
VALUES ($1, 1, 1, ARRAY[ROW($2, $3, true, 1, 'entry', $4, $4, 'domestic_move_in', NULL)::stay], 0, true)
ON CONFLICT DO NOTHING
"""
ADD_KEY = "INSERT INTO person_key (kind, value, person_id) VALUES ('code', $1, $2) ON CONFLICT DO NOTHING"
MOVE_PERSON = """
UPDATE person SET version = version + 1, current = version + 1, waiting = 0, coded = true,
    stays = ARRAY[ROW($3, $4, true, version + 1, 'correction', $5, $5, 'domestic_move_in', NULL)::stay]
WHERE person_id = $1 AND version = $2
"""
ADD_HISTORY = """
INSERT INTO history (person_id, version, notice_id, area, is_foreign, change, cause, event_date,
    resident_code, individual_number, individual_number_index, name, name_kana,
    former_family_name, former_family_name_kana, date_of_birth, birth_era, sex,
    address, address_area, name_gaiji, address_gaiji, notified_on, search_name, search_kana,
    born_from, born_to)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, 0, 0, $21,
    $12, $13, $21, $21)
"""
ADD_OUTBOX = "INSERT INTO outbox (notice_id, person_id, version) VALUES ($1, $2, $3)"
ADD_LEAF = "INSERT INTO ledger (hash, salt, payload) VALUES ($1, $2, $3)"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.pool = await asyncpg.create_pool(os.environ["PEER_DSN"], min_size=8, max_size=8)
    yield
    await app.state.pool.close()


app = FastAPI(lifespan=lifespan)


@app.get("/ready")
async def ready() -> dict[str, bool]:
    return {"ready": True}


def sender_of(subject: str) -> str:
    """The municipality of the client's certificate, as nginx hands its subject on."""
    found = re.fullmatch(r"CN=([0-9]{6}),OU=cs", subject)
    if found is None:
        raise HTTPException(403)
    return found[1]


@app.post("/notices")
async def take(notice: Notice, x_client: Annotated[str, Header()]) -> dict[str, Any]:
    """One notice, one transaction, one answer once it is durable."""
    sender = sender_of(x_client)
    async with app.state.pool.acquire() as connection, connection.transaction():
        first = await connection.fetch(FIND_ANSWERS, [notice.id])
        if first:
            return dict(json.loads(first[0]["answer"]))
        people = await connection.fetch(FIND_PEOPLE, ["code"], [notice.person.resident_code])
        return await _record(connection, notice, sender, people[0] if people else None)


async def _record(
    connection: asyncpg.Connection, notice: Notice, sender: str, held: asyncpg.Record | None
) -> dict[str, Any]:
    if (held is None) != (notice.change == "entry"):
        raise HTTPException(409, "does not fit the file")
    today = datetime.now(JAPAN).date()
    salt = os.urandom(16)
    payload = json.dumps(
        {"code": "A100", "event": "notice", "id": str(notice.id), "parcel_digest": "x" * 43, "position": 0,
         "received_on": today.isoformat(), "register": "juki", "sender": sender}, separators=(",", ":")
    )  # fmt: skip
    leaf = hashlib.sha256(b"\0" + hashlib.sha256(salt + payload.encode()).digest()).digest()
    answer = {"code": "A100", "id": str(notice.id), "leaf": leaf.hex(), "outcome": "ACCEPTED"}
    await connection.execute(ADD_INBOX, notice.id, sender, leaf, json.dumps(answer | {"salt": salt.hex()}))
    if held is None:
        person_id, version = await connection.fetchval("SELECT nextval('person_number')"), 1
        await connection.execute(ADD_PERSON, person_id, notice.area, notice.foreign, notice.event_date)
        await connection.execute(ADD_KEY, notice.person.resident_code, person_id)
    else:
        person_id, version = held["person_id"], held["version"] + 1
        moved = await connection.execute(
            MOVE_PERSON, person_id, held["version"], notice.area, notice.foreign, notice.event_date
        )
        if moved != "UPDATE 1":
            raise HTTPException(503, "moved on; send again")
    one = notice.person
    await connection.execute(
        ADD_HISTORY, person_id, version, notice.id, notice.area, notice.foreign, notice.change, notice.cause,
        notice.event_date, one.resident_code, os.urandom(42), os.urandom(16), one.name, one.name_kana,
        one.former_family_name, one.former_family_name_kana, one.date_of_birth, one.birth_era, one.sex,
        one.address, one.address_area, today,
    )  # fmt: skip
    await connection.execute(ADD_OUTBOX, notice.id, person_id, version)
    await connection.execute(ADD_LEAF, leaf, salt, payload)
    return answer
