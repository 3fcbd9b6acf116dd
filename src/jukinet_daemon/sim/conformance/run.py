"""適合試験の実行: all vectors of a register against anybody's server, a table of the results, a verdict."""

import json
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from jukinet_daemon.keys import signing_key
from jukinet_daemon.outward import Caller, call
from jukinet_daemon.pki.files import load_certificate
from jukinet_daemon.pki.peer import Role, identity_of
from jukinet_daemon.pki.tls import client_context
from jukinet_daemon.pki.trust import DoorPolicy, Side
from jukinet_daemon.schemas import read_areas
from jukinet_daemon.sim.conformance.cast import Cast
from jukinet_daemon.sim.conformance.conduct import Heard, Server, conduct
from jukinet_daemon.sim.conformance.script import Writer
from jukinet_daemon.sim.conformance.vectors import Kit, Vector, load_kit
from jukinet_daemon.sim.conformance.verdict import complaints
from jukinet_daemon.sim.pki import tls_files

# The day of a notification is a day in Japan.
_ZONE = ZoneInfo("Asia/Tokyo")


@dataclass(frozen=True, slots=True)
class Result:
    """How one vector went: what the server did otherwise than expected, in words without personal values."""

    vector: Vector
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether it went as expected."""
        return not self.problems


def fresh_cast() -> Cast:
    """People and ids that no server has met, on the day that it is in Japan."""
    return Cast(secrets.token_hex(16), datetime.now(_ZONE).date())


def server_at(url: str, register: str, pki: Path) -> Server:
    """A server as the municipalities call it, with files as `make_pki` lays them. Raises PkiFileError."""

    def caller_of(municipality: str) -> Caller:
        files = tls_files(pki, Role.CS, municipality)
        domain = identity_of(load_certificate(files.certificate)).trust_domain
        policy = DoorPolicy(domain, Role.PREF, frozenset({register}), side=Side.SERVER)
        return Caller(client_context(files), policy, signing_key(files))

    return Server(register, url, caller_of)


async def results(server: Server, vectors: Sequence[Vector], kit: Kit) -> list[Result]:
    """Puts vectors to a server and judges its answers. Raises PeerFault when it lets nobody in."""
    writer = Writer(kit.templates, read_areas(), fresh_cast())
    scripts = [writer.script(vector) for vector in vectors]
    if sender := next((letter.sender for script in scripts for letter in script.letters), None):
        async with call(server.url, server.caller_of(sender)):
            pass  # A server that is not there has failed no vector.
    heard = await conduct(server, scripts)
    return [Result(one.script.vector, tuple(_problems(one))) for one in heard]


def _problems(heard: Heard) -> list[str]:
    found = complaints(heard.script, heard.answers)
    return [*found, heard.fault] if heard.fault else found


async def run_conformance(
    url: str,
    register: str,
    pki: Path,
    *,
    code_check: str = "warn",
    as_json: bool = False,
    kit: Kit | None = None,
    console: Console | None = None,
) -> int:
    """Runs the kit against a server and prints what came of it; 0 only if every vector passed.

    `code_check` is how the server takes a doubtful 住民票コード. What our own server is known to fail is put
    to nobody. Raises PeerFault, PkiFileError, VectorFault, OSError.
    """
    kit = kit or load_kit()
    vectors = [vector for vector in kit.of(register, code_check) if vector.expected_failure is None]
    done = await results(server_at(url, register, pki), vectors, kit)
    out = console or Console()
    if as_json:
        out.print(_json(done), soft_wrap=True, markup=False, highlight=False)
    else:
        _print(done, register, out)
    return 0 if done and all(result.passed for result in done) else 1


def _json(done: Sequence[Result]) -> str:
    failed = [
        {
            "name": r.vector.name,
            "subject": r.vector.subject,
            "citation": r.vector.citation,
            "problems": r.problems,
        }
        for r in done
        if not r.passed
    ]
    return json.dumps(
        {"run": len(done), "passed": len(done) - len(failed), "failed": failed}, ensure_ascii=False
    )


def _print(done: Sequence[Result], register: str, out: Console) -> None:
    run, passed = Counter[str](), Counter[str]()
    for result in done:
        run[result.vector.subject] += 1
        passed[result.vector.subject] += result.passed
    table = Table(title=f"適合試験 ({register}): {passed.total()} / {run.total()}")
    table.add_column("主題 / subject")
    for heading in ("実施 / run", "適合 / passed", "不適合 / failed"):
        table.add_column(heading, justify="right")
    for subject, number in run.items():
        table.add_row(subject, str(number), str(passed[subject]), str(number - passed[subject]))
    out.print(table)
    for result in done:
        if not result.passed:
            out.print(
                f"{result.vector.subject}: {result.vector.name} ({result.vector.citation})", markup=False
            )
            for problem in result.problems:
                out.print(f"    {problem}", markup=False)
