"""相手について: what a server's report says of one peer: whether it sends, is inside, who was refused."""

from typing import Any

from jukinet_daemon.cli.as_client import Finding
from jukinet_daemon.cli.remedies import REMEDIES
from jukinet_daemon.domain.area import Areas
from jukinet_daemon.domain.identifiers import AREA_CODE
from jukinet_daemon.pki.peer import IdentityError, Role, identity_from_uri

_BETWEEN_QUESTIONS = (
    "今はつながっていない。橋は問い合わせのたびにつなぎ、すぐ切る"
    " / not now: the bridge connects for a question and lets go after it"
)
_NOT_NOW = "今はつながっていない / is not connected now"
_IN_MAINTENANCE = "保守が終わるまで誰も入れない / nobody is let in before the maintenance ends"
_REFUSED = "拒否されたわけは次に / why it was refused: next"
_LINE = (
    "回線、名前、ポートを相手の側から --as-client で調べる。"
    "戸口のユニットの IPAddressAllow= (lines.conf) も見る"
    " / try --as-client from its side; see the door's IPAddressAllow= too"
)
_ANYBODY = "名乗らない拒否。この相手とは限らない / named nobody: perhaps not this peer"


def about(report: dict[str, Any], peer: str | None, areas: Areas) -> list[Finding]:
    """What a report says of one peer, or of everybody refused."""
    refused = report["peers"]["refused"]
    if peer is None:
        return [_refused(entry) for entry in refused]
    if _is_national(peer):
        return [_refused(entry) for entry in refused if entry["door"] == Role.NATIONAL]
    inside = [entry for entry in report["peers"]["inside"] if _is(entry, peer)]
    own = [entry for entry in refused if _is(entry, peer)]
    found = [
        Finding("接続中 / connected", True, f"{entry['peer']} {entry['address']} ({entry['door']})")
        for entry in inside
    ]
    if not inside:
        found.append(_away(report, peer, areas, was_refused=bool(own)))
    found += [*_heard(report, peer), *map(_refused, own)]
    # A handshake that failed names nobody, only an address: shown to whoever asks about somebody not inside.
    if not inside:
        found += [_refused(entry, _ANYBODY) for entry in refused if not entry["peer"] and entry not in own]
    return found


def _away(report: dict[str, Any], peer: str, areas: Areas, *, was_refused: bool) -> Finding:
    """Why somebody is not inside: the nearest cause first."""
    if never := _never_sends(peer, areas):
        return Finding(peer, False, never)
    if _is_across(report, peer):
        return Finding(peer, True, _BETWEEN_QUESTIONS)
    cause = _REFUSED if was_refused else _LINE
    if report.get("maintenance", {}).get("on"):
        cause = _IN_MAINTENANCE
    return Finding(peer, False, f"{_NOT_NOW}。{cause}")


def _never_sends(peer: str, areas: Areas) -> str | None:
    """Why a code is none that sends, if it is a code."""
    code = peer.rpartition("/")[2]
    return areas.why_no_sender(code) if AREA_CODE.fullmatch(code) else None


def _heard(report: dict[str, Any], peer: str) -> list[Finding]:
    return [
        Finding(f"最後の通知 / last notice of {m['name']}", True, m["last_notice"] or "まだない / none yet")
        for m in report.get("municipalities", [])
        if m["code"] == peer.rpartition("/")[2]
    ]


def _is_national(peer: str) -> bool:
    """Whether somebody is the national server: it does not come in, we call it."""
    try:
        return identity_from_uri(peer).role is Role.NATIONAL
    except IdentityError:
        return peer == Role.NATIONAL


def _is_across(report: dict[str, Any], peer: str) -> bool:
    """Whether somebody is the server at the other end of the bridge, who keeps no connection."""
    try:
        named = identity_from_uri(peer).role is Role.PREF
    except IdentityError:
        named = peer in ("juki", "fuhyo")
    return named and "bridge" in report["doors"] and peer.rpartition("/")[2] != report["register"]


def _refused(entry: dict[str, Any], whose: str = "") -> Finding:
    who = entry["peer"] or entry["address"]
    told = f"{entry['reason']} {entry['times']} 回 / times, {entry['last']} ({entry['address']})"
    # A newer program beside this one may refuse for a reason of its own.
    remedy = REMEDIES.get(entry["reason"], "-")
    told = f"{told}: {whose}。{remedy}" if whose else f"{told}: {remedy}"
    return Finding(f"拒否 / refused {who} ({entry['door']})", False, told)


def _is(entry: dict[str, Any], peer: str) -> bool:
    named = entry["peer"] or ""
    return peer in (entry["address"], named, named.rpartition("/")[2])
