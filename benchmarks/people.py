"""登録済みの住民: databases in which so many people are held already."""

from benchmarks.parcels import Press
from benchmarks.stage import SQL, Stage


async def fill(stage: Stage, database: str, people: int, press: Press) -> None:
    """Enters people 1 to `people` by SQL alone, with everything a record leaves behind."""
    areas = "{" + ",".join(press.areas) + "}"
    script = (SQL / "fill.sql").read_text("utf-8")
    await stage.psql(database, f"\\set people {people}\n\\set areas '{areas}'\n{script}")
