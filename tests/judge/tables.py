"""表: the tables of a register by plain COPY, through psql, as text and nothing else."""

import csv
import os
import subprocess
from pathlib import Path

Row = dict[str, str]  # NULL reads as an empty text: nothing that is read here can be empty otherwise
Tables = dict[str, list[Row]]

# What is read of each table. Sealed values are none of the judge's business.
COLUMNS = {
    "inbox": "notice_id, sender, outcome, code, answer",
    "history": "person_id, version, notice_id, area, change, event_date, resident_code, name, address, "
    "record_key",
    "outbox": "notice_id, person_id, version, receipt_id, refused",
    "held": "held_id, notice_id, person_id, others",
    "departure": "notice_id, person_id",
    "person": "person_id, version",
    "receipt": "receipt_id, parcel_digest, signed",
    "ledger": "entry_id, hash, salt, payload",
    "ledger_run": "log_id, position, entries",
    "ledger_checkpoint": "log_id, size, note",
}
_MARK = "== "


class CopyFault(Exception):
    """psql could not read the tables; the message is the server's."""


def copy_tables(psql: str | Path, dsn: str) -> Tables:
    """Reads every table in one snapshot. Raises CopyFault."""
    script = ["BEGIN ISOLATION LEVEL REPEATABLE READ;"]
    for table, columns in COLUMNS.items():
        script.append(f"\\echo '{_MARK}{table}'")
        script.append(f"COPY {table} ({columns}) TO STDOUT WITH (FORMAT csv, HEADER);")
    done = subprocess.run(
        [str(psql), "-AtXq", "-v", "ON_ERROR_STOP=1", "-f", "-", dsn],
        input="\n".join(script),
        env={"PATH": os.defpath, "PGCLIENTENCODING": "UTF8", "LC_ALL": "C"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise CopyFault(done.stderr.strip())
    return read_tables(done.stdout)


def read_tables(text: str) -> Tables:
    """Takes what psql printed apart into rows."""
    blocks: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.split("\n"):
        if line.startswith(_MARK):
            lines = blocks[line.removeprefix(_MARK)] = []
        else:
            # With its end: a text of several lines stands in quotes and is one value.
            lines.append(f"{line}\n")
    return {table: list(csv.DictReader(block)) for table, block in blocks.items()}
