"""段階: which part of the work a sampled stack belongs to, told by the innermost frame that says so."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

Stack = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A part of the work, what of the code it is, and its colour in the flame graph."""

    name: str
    text: str
    colour: str
    marks: tuple[str, ...]


STEPS = (
    Step("TLS", "TLS 1.3: handshake, records", "#b0c4de", ("(ssl.py", "server/listener.py", "pki/")),
    Step("JWS", "署名の検証と署名、digest", "#e8a0a0", ("wire/envelope.py", "joserfc", "ecdsa")),
    Step("parse", "JSON を厳密に読む", "#f0c987", ("read_json", "_marked", "_within", "wire/parcel.py")),
    Step(
        "validate",
        "通知の形と項目 (pydantic)、正準形と指紋",
        "#f5e08a",
        ("wire/notice.py", "pydantic", "_item (", "notice_id_in", "fingerprint"),
    ),
    Step(
        "decide",
        "記録を読み出した状態にし、判断する",
        "#a8d8a0",
        ("domain/decide.py", "domain/checks", "domain/person.py", "state_of", "domain/notice.py", "plan ("),
    ),
    Step("evidence", "葉、答え、返信", "#9fd6d2", ("ledger/", "_leaf (", "_answer (", "wire/reply.py")),
    Step("seal", "個人番号と電文の暗号化、索引", "#c3a6d8", ("vault/", "parcel_row")),
    Step(
        "encode",
        "データベースの行にする (検索の見出しも)",
        "#d9b08c",
        ("store/rows.py", "Inbox._row", "_inbox ("),
    ),
    Step("database", "asyncpg: 引数の符号化、結果の復号", "#8fb0e0", ("asyncpg", "store/")),
    Step("WebSocket", "aiohttp", "#c8c8c8", ("aiohttp",)),
    Step("lanes", "車線、一括、計数", "#d8d8b0", ("service/", "loops/", "server/", "prometheus_client")),
)
OTHER = Step("event loop", "uvloop、system calls、その他", "#e4e4e4", ())


def stacks_of(raw: str) -> Iterator[tuple[Stack, int]]:
    """The stacks of py-spy's raw format: frames from the outermost inwards, and how often it was seen."""
    for line in raw.splitlines():
        frames, _, count = line.rpartition(" ")
        yield tuple(_named(frame) for frame in frames.split(";")), int(count)


def _named(frame: str) -> str:
    """A frame without its line: `read_json (wire/text.py)`."""
    name, _, place = frame.partition(" (")
    file = place.rstrip(")").rpartition(":")[0].replace("jukinet_daemon/", "")
    return f"{name} ({file})"


def step_of(stack: Stack) -> Step:
    """The part of the work that a stack belongs to."""
    for frame in reversed(stack):
        for step in STEPS:
            if any(mark in frame for mark in step.marks):
                return step
    return OTHER


def shares(stacks: Iterable[tuple[Stack, int]]) -> Mapping[str, float]:
    """The share of each part of the work in all samples."""
    seen: Counter[str] = Counter()
    for stack, count in stacks:
        seen[step_of(stack).name] += count
    total = seen.total()
    return {step.name: seen[step.name] / total for step in (*STEPS, OTHER)}
