"""証跡の検査: the ledger that grows, re-derived from its tables and compared with what witnesses hold."""

from collections.abc import Iterable
from dataclasses import dataclass

from jukinet_daemon.ledger.audit import Audit, Finding
from jukinet_daemon.ledger.checkpoint import CheckpointFault, Verifier, open_checkpoint
from jukinet_daemon.ledger.proof import Tree
from jukinet_daemon.service.seal import LogName
from jukinet_daemon.store.audit import AuditStore


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What was looked at, and everything that does not fit. `unsealed`: leaves that wait for their place."""

    origin: str
    leaves: int
    checkpoints: int
    witnesses: int
    unsealed: int
    findings: tuple[Finding, ...]


async def audit(store: AuditStore, name: LogName, held: Iterable[Tree] = ()) -> AuditReport | None:
    """Checks the log that grows, also against checkpoints held elsewhere; None if there is none.

    Raises StoreFault.
    """
    log = await store.log()
    if log is None:
        return None
    keys, trees, strange = name.verifiers(log.number), list(held), list[Finding]()
    for sender, note in await store.witnesses(log):
        tree = _tree(note, keys)
        if tree:
            trees.append(tree)
        else:
            strange.append(Finding("not_signed", f"the checkpoint of {sender}"))
    checked = Audit(keys, trees)
    if log.origin != name.origin(log.number):
        strange.append(Finding("not_signed", f"the log {log.origin}"))
    seen = size = 0
    async for step in store.steps(log):
        checked.take(step)
        seen, size = step.seen, step.size
    checked.end(await store.rest(log, size, seen))
    findings = (*strange, *checked.findings)
    told = (len(set(trees)), checked.unsealed, findings)
    return AuditReport(log.origin, checked.tree.size, checked.checkpoints, *told)


def _tree(note: str, keys: list[Verifier]) -> Tree | None:
    try:
        return open_checkpoint(note, keys)
    except CheckpointFault:
        return None
