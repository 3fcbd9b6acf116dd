"""状態: what people and monitors ask of a running server, as one value."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

from jukinet_daemon.domain.area import Areas
from jukinet_daemon.domain.register import Register
from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.exposition import exposition
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.service.patience import within
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.pool import Database
from jukinet_daemon.store.processes import Told

CERTIFICATE_WARNING_DAYS = 7.0
OUTBOX_WARNING_S = 300.0
# A server that stands still answers no question, and health must say so rather than wait with it.
PING_LIMIT_S = 2.0
LOOK_LIMIT_S = 5.0
# One part that is late must leave the others time to be told.
PART_LIMIT_S = 2.0
# What processes tell of their files, the same of each as a rule.
_OF_FILES = ("certificates", "credentials")
_UNUSABLE = {
    "own": "証明書か鍵が使えず、前のものを使っている / our certificate or key cannot be used",
    "trust": "認証局か失効リストが使えず、前のものを使っている / the CAs or CRLs cannot be used",
}

Door = Callable[[], Mapping[str, Any]]
Part = Callable[[], Coroutine[Any, Any, Mapping[str, Any]]]
View = Callable[[Mapping[str, Any]], Mapping[str, Any]]
Judge = Callable[[Mapping[str, Any]], list[str]]
Others = Callable[[], Awaitable[Sequence[Told]]]


@dataclass(frozen=True, slots=True)
class Expiry:
    """When a certificate or CRL ends."""

    name: str
    not_after: datetime


async def _nobody() -> Sequence[Told]:
    return ()


class Status:
    """Looks at everything a server consists of, in this process and in the others of its register.

    `elsewhere` is what other processes must open, as it stands while none of them says that it does. A room
    that has more to tell puts a part of its own into `parts` (its name is a key of the report), or a view
    into `views` if it asks nobody and is there without a database, and a judge into `judges`, which finds in
    the whole report what needs somebody. Views and judges do not see a part that failed: it is as if it were
    not there, as all are without a database, and that it failed is a problem of its own.
    """

    def __init__(
        self, register: Register, areas: Areas, database: Database, metrics: Metrics, clock: Clock
    ) -> None:
        self._register = register
        self._areas = areas
        self._database = database
        self._metrics = metrics
        self._clock = clock
        self.doors: dict[str, Door] = {}
        self.expiries: Callable[[], tuple[Expiry, ...]] = tuple
        self.credentials: Callable[[], Mapping[str, str | None]] = dict
        self.peers: Callable[[], Mapping[str, list[Any]]] = lambda: {"inside": [], "refused": []}
        self.relay: Callable[[], Mapping[str, Any]] | None = None
        self.keys: Callable[[], Mapping[str, Any]] = dict
        self.others: Others = _nobody
        self.elsewhere: Mapping[str, Any] = {}
        self.parts: dict[str, Part] = {}
        self.views: dict[str, View] = {}
        self.judges: list[Judge] = [problems_in]
        self.stopping = False

    async def ready(self) -> bool:
        """Whether notices can be taken now: not stopping, the database answers, no maintenance."""
        try:
            taken = await within(PING_LIMIT_S, self._taken())
        except StoreFault:
            return False
        return taken and not self.stopping

    async def _taken(self) -> bool:
        await self._database.fetch("ping")
        maintenance = self.parts.get("maintenance")
        return not (maintenance and (await maintenance())["on"])

    async def look(self) -> dict[str, Any]:
        """The whole state as JSON values; `problems` says in words what needs somebody."""
        report: dict[str, Any] = {
            "register": self._register.name,
            "server": self._register.server,
            "time": self._clock().isoformat(timespec="seconds"),
        } | self.own()
        until = monotonic() + LOOK_LIMIT_S
        unseen: dict[str, str] = {}
        try:
            report |= await within(LOOK_LIMIT_S, self._asked(report))
        except StoreFault as fault:
            report |= {"database": {"ok": False, "fault": str(fault)}}
        else:
            parts, unseen = await self._parts(until)
            report |= parts
        for name, view in self.views.items():
            report[name] = dict(view(report))
        problems = [problem for judge in self.judges for problem in judge(report)]
        report |= {name: {"fault": fault} for name, fault in unseen.items()}
        report["problems"] = problems + [
            f"{name} を調べられない / a part of health cannot be told: {fault}"
            for name, fault in unseen.items()
        ]
        report["status"] = "attention" if report["problems"] else "ok"
        return report

    async def _asked(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """What the database itself tells, joined to what this process says of itself. Raises StoreFault."""
        report = {**own} | {kind: list(own[kind]) for kind in _OF_FILES}
        join_told(report, [told.report for told in await self.others()], self.elsewhere)
        return report | {"database": await self._database_itself()} | await self._from_database()

    async def _parts(self, until: float) -> tuple[dict[str, Any], dict[str, str]]:
        """What each part tells until then; and of those that tell nothing, why."""
        told: dict[str, Any] = {}
        unseen: dict[str, str] = {}
        for name, part in self.parts.items():
            left = round(min(PART_LIMIT_S, until - monotonic()), 1)
            if left <= 0:
                unseen[name] = f"not reached within {LOOK_LIMIT_S:g} s"
                continue
            try:
                told[name] = dict(await within(left, part()))
            except StoreFault as fault:
                unseen[name] = str(fault)
        return told, unseen

    def own(self) -> dict[str, Any]:
        """What this process can say of itself."""
        report: dict[str, Any] = {
            "doors": {name: dict(door()) for name, door in self.doors.items()},
            "certificates": [self._expiry(expiry) for expiry in self.expiries()],
            "credentials": self._unusable(),
            "peers": dict(self.peers()),
            "keys": dict(self.keys()),
        }
        return report | ({"relay": dict(self.relay())} if self.relay else {})

    async def metrics(self) -> bytes:
        """The metrics of this process and of the others, for Prometheus."""
        await self.look()
        try:
            others = {told.name: told.metrics for told in await self.others()}
        except StoreFault:
            others = {}
        return exposition(self._metrics.registry, others)

    async def _database_itself(self) -> dict[str, Any]:
        moment = (await self._database.fetch("database_clock"))[0]["moment"]
        return {"ok": True, "clock_ahead_s": round((moment - self._clock()).total_seconds(), 1)}

    async def _from_database(self) -> dict[str, Any]:
        waiting = (await self._database.fetch("outbox_waiting"))[0]
        refused = (await self._database.fetch("outbox_refused"))[0]["refused"]
        held = (await self._database.fetch("held_waiting"))[0]["held"]
        last = await self._database.fetch("last_parcels", list(self._areas.senders))
        times = {row["sender"]: row["received_at"] for row in last}
        age = round(waiting["age"] or 0.0, 1)
        self._publish(waiting["depth"], age, held, times)
        return {
            "outbox": {"records": waiting["depth"], "oldest_seconds": age, "refused": refused},
            "held": held,
            "municipalities": [
                {
                    "code": code,
                    "name": self._areas[code].name,
                    "last_notice": moment.astimezone(self._clock().tzinfo).isoformat(timespec="seconds")
                    if (moment := times[code])
                    else None,
                }
                for code in self._areas.senders
            ],
        }

    def _publish(self, depth: int, age: float, held: int, times: Mapping[str, datetime | None]) -> None:
        self._metrics.outbox_depth.set(depth)
        self._metrics.outbox_age.set(age)
        self._metrics.held.set(held)
        for code, moment in times.items():
            if moment:
                self._metrics.last_parcel.labels(code).set(moment.timestamp())

    def _unusable(self) -> list[dict[str, str]]:
        """What of our files cannot be used: ours (`own`), or the CAs and CRLs (`trust`)."""
        faults = self.credentials()
        for half, fault in faults.items():
            self._metrics.credentials_up.labels(half).set(fault is None)
        return [{"half": half, "fault": fault} for half, fault in faults.items() if fault]

    def _expiry(self, expiry: Expiry) -> dict[str, Any]:
        self._metrics.not_after.labels(expiry.name).set(expiry.not_after.timestamp())
        days = (expiry.not_after - self._clock()).total_seconds() / 86400
        return {
            "name": expiry.name,
            "not_after": expiry.not_after.isoformat(timespec="seconds"),
            "days_left": round(days, 1),
        }


def join_told(
    report: dict[str, Any], told: Sequence[Mapping[str, Any]], elsewhere: Mapping[str, Any]
) -> None:
    """Puts into a report what other processes told of theirs; what nobody told of is as `elsewhere` says."""
    doors, relays = dict(elsewhere.get("doors", {})), []
    for other in told:
        doors |= other["doors"]
        relays += [other["relay"]] if "relay" in other else []
        for kind in report["peers"]:
            report["peers"][kind] += other.get("peers", {}).get(kind, [])
        for kind in _OF_FILES:
            # All read the same files; a program from before an update may not tell of all of this.
            report[kind] += [item for item in other.get(kind, ()) if item not in report[kind]]
    report["doors"] = doors | report["doors"]
    if "relay" not in report and (relays or "relay" in elsewhere):
        # Of several only one relays; the others stand by.
        report["relay"] = min(relays, key=lambda relay: relay["standby"], default=elsewhere.get("relay"))


def problems_in(report: Mapping[str, Any]) -> list[str]:
    """What of a report needs somebody, in words."""
    problems = [
        f"{item['name']}: 残り {item['days_left']} 日 / expires soon"
        for item in report["certificates"]
        if item["days_left"] < CERTIFICATE_WARNING_DAYS
    ]
    problems += [f"{_UNUSABLE[item['half']]}: {item['fault']}" for item in report["credentials"]]
    problems += [
        f"戸口 {name} が閉じている / door closed" for name, d in report["doors"].items() if not d["open"]
    ]
    unerased = report["doors"].get("bridge", {}).get("unerased_seconds")
    if unerased is not None:
        problems.append(f"橋の一時保管を {unerased:.0f} 秒前から消去できない / held numbers cannot be erased")
    failing = report["doors"].get("notices", {}).get("failing_seconds")
    if failing is not None:
        problems.append(f"通知を {failing:.0f} 秒前から確定できない / notices cannot be committed")
    relay = report.get("relay")
    if relay and not relay["connected"] and not relay["standby"]:
        problems.append(f"全国サーバとの回線が開いていない / the relay has no line: {relay['fault'] or '-'}")
    if not report["database"]["ok"]:
        return [*problems, "データベースが応答しない / the database does not answer"]
    outbox = report["outbox"]
    if outbox["oldest_seconds"] > OUTBOX_WARNING_S:
        problems.append("全国サーバへの通知が滞っている / the relay is behind")
    if outbox["refused"]:
        problems.append(f"全国サーバが {outbox['refused']} 件を拒否した / refused by the national server")
    maintenance = report.get("maintenance", {})
    if maintenance.get("on"):
        problems.append(f"保守中 {maintenance['until']} まで / under maintenance: {maintenance['reason']}")
    if report["held"]:
        problems.append(f"確認を待つ通知が {report['held']} 件ある / notices are held")
    return problems
