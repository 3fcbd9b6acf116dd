"""問う: schemathesis at one door, with its document; what was asked, what failed, what never succeeded."""

import asyncio
import json
import os
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asked.doors import Door
from http_doors import document

HERE = Path(__file__).parent
# How often a parameter is one that means something to the door, and not any.
MEANT = 0.4

# That much is refused is no fault, for the form alone does not make a thing sound. That all is, is a fault.
RIGHTLY = {"validation_mismatch"}


@dataclass(frozen=True)
class Pace:
    """How many cases of an operation, for how long a door is asked at least, and from which seed."""

    examples: int
    seconds: int
    seed: int


@dataclass(frozen=True)
class Verdict:
    """What came of one door, and what schemathesis said of it."""

    door: str
    operations: int = 0
    cases: int = 0
    failures: tuple[str, ...] = ()
    text: str = ""


async def ask(program: Path, door: Door, folder: Path, pace: Pace) -> Verdict:
    """Runs schemathesis at a door, in a folder of its own."""
    here = folder / door.name.replace(" ", "-")
    here.mkdir()
    (here / "openapi.json").write_text(json.dumps(_with_bodies(door)), "utf-8")
    (here / "schemathesis.toml").write_text(_settings(door), "utf-8")
    report = here / "report.json"
    process = await asyncio.create_subprocess_exec(
        *(str(program), "run", "openapi.json", "--url", door.url, "--continue-on-failure"),
        *("--seed", str(pace.seed), "--max-examples", str(pace.examples)),
        *(("--max-time", str(pace.seconds)) if pace.seconds else ()),
        *("--report", "json", "--report-json-path", str(report)),
        *_shown(door),
        cwd=here,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE)},
    )
    said, _ = await process.communicate()
    text = said.decode("utf-8", "replace")
    if not report.exists():
        return Verdict(door.name, failures=(f"schemathesis: exit status {process.returncode}",), text=text)
    return verdict(door.name, json.loads(report.read_text("utf-8")), text)


def _shown(door: Door) -> tuple[str, ...]:
    """The certificate of whoever asks. The server's bears no host name, and is not looked at."""
    if door.files is None:
        return ()
    own = ("--request-cert", str(door.files.certificate), "--request-cert-key", str(door.files.key))
    return ("--tls-verify", "false", *own)


def _with_bodies(door: Door) -> dict[str, Any]:
    """The door's document, with bodies that mean something to it as examples."""
    told = deepcopy(document(door.document))
    for path, bodies in door.bodies.items():
        (content,) = told["paths"][path]["post"]["requestBody"]["content"].values()
        content["examples"] = {str(number): {"value": body} for number, body in enumerate(bodies)}
    return told


def _settings(door: Door) -> str:
    """The settings of all doors, of doors like this one, and the parameters that mean something to it."""
    texts = [(HERE / "schemathesis.toml").read_text("utf-8")]
    own = HERE / f"{door.document}.toml"
    texts += [own.read_text("utf-8")] if own.exists() else []
    bound = ["[parameters]"]
    for name, values in door.parameters.items():
        place = "path" if name in ("id", "sender") else "query"
        texts.append(f"[dictionaries.{name}]\nvalues = {json.dumps(values)}")
        bound.append(f'"{place}.{name}" = {{ dictionary = "{name}", probability = {MEANT} }}')
    return "\n".join((*texts, *bound))


def verdict(door: str, report: dict[str, Any], text: str) -> Verdict:
    """What a report of schemathesis says of a door."""
    failures = [f"{found['title']}: {', '.join(found['operations'])}" for found in report["failures"]]
    failures += [f"error: {json.dumps(error)[:500]}" for error in report["errors"]]
    # A door that only ever says no has not been asked.
    failures += [f"never succeeded: {name}" for name in _never(report["valid_rates"])]
    failures += [
        f"{kind}: {told}" for kind, told in report["warnings"].items() if told and kind not in RIGHTLY
    ]
    operations = report["operations"]
    if not report["complete"] or operations["tested"] != operations["total"]:
        failures.append(f"not all was asked: {report['stop_reason']}")
    return Verdict(door, operations["tested"], report["test_cases"]["generated"], tuple(failures), text)


def _never(rates: dict[str, dict[str, dict[str, int]]]) -> list[str]:
    """The operations of which no case was answered with success, in any phase."""
    return [name for name, phases in rates.items() if not any(phase["accepted"] for phase in phases.values())]
