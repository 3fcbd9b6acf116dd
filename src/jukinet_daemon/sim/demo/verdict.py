"""判定: whether senders, server and national server agree, notice by notice.

Reads journals and plain tables; uses nothing of the server's own judgement.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jukinet_daemon.sim.journal import read_journal
from jukinet_daemon.sim.tally import TAKEN
from jukinet_daemon.sim.world import Site, World

Query = Callable[[str, str], str]

_INBOX = "SELECT json_agg(json_build_array(notice_id, outcome, code)) FROM inbox"
_OUTBOX = "SELECT json_agg(json_build_array(notice_id, receipt_id IS NOT NULL, refused)) FROM outbox"
RECORDED = ("A100", "A120")
REUSED = ("R390", "R391")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many notices were sent, what they came to, how many went on and arrived."""

    sent: int
    outcomes: Counter[str]
    relayed: int
    received: int


@dataclass(frozen=True, slots=True)
class Tally:
    """The counts of one register, of the day and in all, and every disagreement in words."""

    register: str
    day: Counts
    whole: Counts
    disagreements: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether all three tell the same story."""
        return not self.disagreements


def judge(world: World, site: Site, day: set[str], query: Query) -> Tally:
    """Compares, for one register, the CS' journals, the server's tables and the national server's journal.

    `day` has the ids of the day's notices; `query` runs SQL in a database, each as text.
    """
    journals = sorted((world.folder / "cs").glob("*.ndjson"))
    sent, answers = _told_by_senders(site.register, journals)
    stored = {row[0]: (row[1], row[2]) for row in json.loads(query(site.register, _INBOX) or "[]")}
    outbox = {row[0]: row[1] and row[2] is None for row in json.loads(query(site.register, _OUTBOX) or "[]")}
    received, disorder = _told_by_national(Path(site.national_journal))
    applied = {notice_id for notice_id, (_, code) in stored.items() if code in RECORDED}
    relayed = {notice_id for notice_id, closed in outbox.items() if closed}
    # An id that was used again was refused; what is stored under it is the answer to its first use.
    first = {notice_id: answer for (notice_id, _), answer in answers.items() if answer[1] not in REUSED}
    disagreements = (
        *_found(
            "送ったが回答がない / sent, not answered", {notice_id for notice_id, _ in sent ^ answers.keys()}
        ),
        *_found("回答と記録が違う / answered otherwise than stored", _differing(first, stored)),
        *_found("適用したものと送りが違う / applied and outbox differ", applied ^ outbox.keys()),
        *_found("全国サーバへ届いていない / not relayed", outbox.keys() - relayed),
        *_found("全国サーバの記録と違う / the national server differs", relayed ^ received),
        *_found("順序が乱れた / out of order", disorder),
        *_found("日次照合が食い違う / daily counts differ", _counted_otherwise(site.register, journals)),
    )

    def counts(ids: set[str]) -> Counts:
        outcomes = Counter(
            outcome for (notice_id, _), (outcome, _code) in answers.items() if notice_id in ids
        )
        return Counts(
            sum(notice_id in ids for notice_id, _ in sent), outcomes, len(relayed & ids), len(received & ids)
        )

    everything = {notice_id for notice_id, _ in sent} | received
    return Tally(site.register, counts(day), counts(everything), disagreements)


def _differing(one: dict[str, tuple[str, str]], other: dict[str, tuple[str, str]]) -> set[str]:
    return {
        notice_id for notice_id in one.keys() | other.keys() if one.get(notice_id) != other.get(notice_id)
    }


def _told_by_senders(
    register: str, journals: list[Path]
) -> tuple[set[tuple[str, str]], dict[tuple[str, str], tuple[str, str]]]:
    sent: set[tuple[str, str]] = set()
    answers: dict[tuple[str, str], tuple[str, str]] = {}
    for journal in journals:
        for entry in read_journal(journal):
            if entry["register"] == register and entry["event"] in ("sent", "answered"):
                named = (entry["id"], entry["content"])
                if entry["event"] == "sent":
                    sent.add(named)
                else:
                    answers[named] = (entry["outcome"], entry["code"])
    return sent, answers


def _counted_otherwise(register: str, journals: list[Path]) -> set[str]:
    """The senders whose last comparison of a day did not agree, or that made none."""
    newest: dict[str, list[str]] = {journal.stem: ["-"] for journal in journals}
    for journal in journals:
        for entry in read_journal(journal):
            if entry["event"] == "compared" and entry["register"] == register:
                newest[journal.stem] = entry["differing"]
    return {sender for sender, differing in newest.items() if differing}


def _told_by_national(journal: Path) -> tuple[set[str], set[str]]:
    received: set[str] = set()
    disorder: set[str] = set()
    newest: dict[str, int] = {}
    for entry in read_journal(journal):
        record = entry["record"]
        if entry["code"] == TAKEN:
            received.add(record["id"])
        if record["sequence"] <= newest.get(record["person_number"], 0):
            disorder.add(record["id"])
        newest[record["person_number"]] = record["sequence"]
    return received, disorder


def _found(text: str, ids: set[str]) -> list[str]:
    return [f"{text}: {len(ids)} ({', '.join(sorted(ids)[:3])} …)"] if ids else []
