"""役割ごとの名前: which names a role has, so that nobody is certified whom no door could admit."""

from jukinet_daemon.domain.area import Areas
from jukinet_daemon.domain.identifiers import is_area_code

from .peer import PeerIdentity, Role

SERVERS = ("juki", "fuhyo")


class NameFault(ValueError):
    """A name that nobody of that role can have; the message says why and what to write instead."""


def require_name(identity: PeerIdentity, areas: Areas | None) -> None:
    """Raises NameFault for a name that its role does not have.

    `areas`: the municipalities a code must be among; None where they are not known and the digit must do.
    """
    name = identity.name
    if identity.role is Role.CS:
        _require_sender(name, areas)
    elif identity.role is not Role.OPERATOR and name not in SERVERS:
        raise NameFault(f"{name}: 役割 {identity.role} の名は juki か fuhyo / is juki or fuhyo in this role")


def _require_sender(code: str, areas: Areas | None) -> None:
    if not is_area_code(code):
        raise NameFault(
            f"{code}: 団体コードでない (6 桁、検査数字) / no area code: 6 digits, the last a check digit"
        )
    if code[2:5] == "000":
        raise NameFault(f"{code}: 都道府県のコード。市区町村でない / a prefecture's code, no municipality's")
    if areas is not None and (why := areas.why_no_sender(code)):
        raise NameFault(f"{why} (--areas)")
