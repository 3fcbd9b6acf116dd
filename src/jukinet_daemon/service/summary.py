"""摘要: what is kept of a parcel beside its sealed whole, so that the watch need not open it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jukinet_daemon.service.clock import Clock
from jukinet_daemon.service.evidence import evidence
from jukinet_daemon.store.keys import KeyStore
from jukinet_daemon.vault.fields import Vault
from jukinet_daemon.wire.envelope import from_base64url
from jukinet_daemon.wire.kept import signed_again
from jukinet_daemon.wire.parcel import read_parcel
from jukinet_daemon.wire.tally import kind_of
from jukinet_daemon.wire.text import notice_id_in


class SummaryFault(Exception):
    """A kept parcel cannot be read: whoever put it there was no program of ours. The message names it."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A parcel by what was signed, and its notices that have an id, each once, by id and kind."""

    fingerprint: bytes = field(repr=False)
    notice_ids: tuple[str, ...]
    kinds: tuple[str, ...]


def summary_of(signed: str, notices: Iterable[Any], vault: Vault) -> Summary:
    """The summary of a parcel. What was signed counts, not the signature: a renewed key makes another one."""
    named: dict[str, str] = {}
    for raw in notices:
        # An id twice in one parcel: the first was answered, the other repeats or misuses it.
        if name := notice_id_in(raw):
            named.setdefault(name, kind_of(raw))
    payload = signed.split(".")[1].encode()
    return Summary(vault.fingerprint(b"parcel\0" + payload), tuple(named), tuple(named.values()))


async def summarise(
    store: KeyStore,
    vault: Vault,
    who: Mapping[str, str],
    clock: Clock,
    batch: int,
    tell: Callable[[int], None],
) -> int:
    """Gives every parcel that an older program took its summary; gives how many there were.

    May be stopped and run again at any time. Raises StoreFault, VaultFault, SummaryFault.
    """
    done = 0
    while found := await store.without_summary(batch):
        opened = [(parcel_id, _opened(parcel_id, sealed, vault)) for parcel_id, sealed in found]
        event = {
            "event": "parcels_summarised",
            "parcels": len(found),
            "at": clock().isoformat(timespec="seconds"),
        }
        leaf = evidence(event | dict(who))
        rows = [(number, s.fingerprint, s.notice_ids, s.kinds) for number, s in opened]
        await store.enter(rows, leaf)
        done += len(found)
        tell(done)
    return done


def _opened(parcel_id: int, sealed: bytes, vault: Vault) -> Summary:
    kept = vault.open(f"parcel/{parcel_id}", sealed)
    try:
        signed = signed_again(kept)
        parcel = read_parcel(from_base64url(signed.split(".")[1]))
    except (ValueError, IndexError):
        raise SummaryFault(f"電文 {parcel_id} を読めない / parcel {parcel_id} cannot be read") from None
    return summary_of(signed, parcel.notices, vault)
