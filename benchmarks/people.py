"""登録済みの住民: databases in which so many people are held already."""

import asyncio

from benchmarks.parcels import Press
from benchmarks.stage import SQL, Stage


async def fill(stage: Stage, database: str, people: int, press: Press) -> None:
    """Enters people 1 to `people` by SQL alone, with everything that a record leaves behind.

    Rows, indexes and constraints are those of people who came by notice; indexes are built when the rows are
    there, which takes minutes where the ordinary way takes an hour.
    """
    areas = "{" + ",".join(press.homes) + "}"

    async def run(name: str) -> None:
        script = (SQL / f"fill_{name}.sql").read_text("utf-8")
        await stage.psql(database, f"\\set people {people}\n\\set areas '{areas}'\n{script}")

    await run("begin")
    await asyncio.gather(run("history"), run("others"))
    await run("end")


BASE = "base"
BASE_PEOPLE = 60_000


async def base(stage: Stage, press: Press) -> str:
    """The database most measurements begin with a copy of: a thousand people with each sender."""
    if BASE not in stage.databases:
        stage.say(f"住民 {BASE_PEOPLE:,} 人の用意 / preparing people held")
        await stage.database(BASE)
        await fill(stage, BASE, BASE_PEOPLE, press)
        await stage.seal(BASE, BASE_PEOPLE)
    return BASE
