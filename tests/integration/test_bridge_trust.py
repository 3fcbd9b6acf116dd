"""The bridge's own calls tell no impostor anything; its pins roll over and nobody is left outside."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from jukinet_daemon.outward_http import Inquirer
from jukinet_daemon.pki.files import load_certificate, write_issued
from jukinet_daemon.pki.issue import issue
from jukinet_daemon.pki.peer import PeerIdentity, Role, thumbprint
from jukinet_daemon.service.bridge_case import PeerUnreachable
from jukinet_daemon.wire.bridge import ANSWER_TYPE, ASK_TYPE
from support.bad_certificates import BAD, SERVER, Kit, Shown, sound
from support.bridge import Bridged, bridged, emigrate, pin, shown_overseas
from support.estate import replace_files, validity
from support.impostor import impostor, listening
from support.kits import bridge_pki
from support.notices import individual_number, resident_code
from support.place import of
from support.world import REGISTERS, TRUST_DOMAIN, Pki

World = AbstractAsyncContextManager[Bridged]
# Who calls, and which of its calls it is: the 附票 server its neighbour and the national server, ours back.
CALLS = {
    "fuhyo asks juki": ("fuhyo", Role.PREF, "juki"),
    "juki calls back": ("juki", Role.PREF, "fuhyo"),
    "fuhyo asks the national server": ("fuhyo", Role.NATIONAL, "fuhyo"),
}
QUESTION = b"whose number is it"


def caller_of(world: Bridged, register: str, role: Role) -> Inquirer:
    """What a running server calls with: its own credentials and policy."""
    (found,) = [
        line
        for line in world.houses[register].daemon._frame.lines
        if isinstance(line, Inquirer) and line._address.policy.role is role
    ]
    return found


async def told(inquirer: Inquirer, what: Shown, folder: Path) -> tuple[str, list[str | bytes], int]:
    """Why a question was not answered; what the one at the other end heard of it, and its calls."""
    async with listening(impostor(what, folder), "/bridge", "https") as posing:
        inquirer._address = replace(inquirer._address, url=posing.url)
        with pytest.raises(PeerUnreachable) as caught:
            await inquirer.exchange(QUESTION, ASK_TYPE, ANSWER_TYPE)
        return str(caught.value), posing.heard, posing.calls


@pytest.mark.parametrize("call", CALLS)
async def test_no_impostor_is_told_a_question(
    call: str, new_database: Callable[[str], str], tmp_path: Path
) -> None:
    register, role, name = CALLS[call]
    pki, kit = bridge_pki(tmp_path / "pki")
    kit = Kit(kit.issuing, kit.free, kit.root, role.value, name, (SERVER,))
    dsns = {register: new_database(register) for register in REGISTERS}
    async with bridged(pki, dsns, tmp_path, national_pins=[pin(pki, "juki")]) as world:
        inquirer = caller_of(world, register, role)
        for bad in BAD:
            why, heard, calls = await told(inquirer, bad.make(kit), tmp_path)
            assert (heard, calls) == ([], 1), bad.what
            assert why.startswith(("cannot be asked: ClientConnector", "is not who it must be: ")), bad.what
        # One that is sound in all but its key is kept out by the pin alone; without it the question is put.
        why, heard, _ = await told(inquirer, sound(kit).shown(), tmp_path)
        assert (why, heard) == ("is not who it must be: not-pinned", [])
        inquirer._address = replace(inquirer._address, policy=replace(inquirer._address.policy, pins=None))
        why, heard, _ = await told(inquirer, sound(kit).shown(), tmp_path)
        assert (why, len(heard)) == ("the answer is not signed by the peer", 1)


@pytest.fixture
def own(tmp_path: Path) -> Pki:
    """A PKI of this test alone, whose files it may change."""
    return bridge_pki(tmp_path / "pki")[0]


@pytest.fixture
def opened(new_database: Callable[[str], str], own: Pki, tmp_path: Path) -> Callable[..., World]:
    """Opens both servers on the same databases, again and again."""
    dsns = {register: new_database(register) for register in REGISTERS}
    return lambda **pins: bridged(own, dsns, tmp_path, **pins)


def renewed(pki: Pki, role: Role, name: str) -> Any:
    """Another certificate and key for a peer of a PKI, not in place yet."""
    identity = PeerIdentity(TRUST_DOMAIN, role, name)
    made = issue(pki.authority, identity, validity())
    paths = write_issued(pki.folder, f"new-{role}-{name}", made, pki.authority.chain)
    return replace(pki.files(role, name), certificate=paths.certificate, key=paths.key)


def thumb(files: Any) -> str:
    return thumbprint(load_certificate(files.certificate))


async def asked_for_one(world: Bridged) -> str:
    """What the bridge says of somebody overseas."""
    (person,) = await emigrate(world)
    (line,) = await world.numbers(person["resident_code"])
    return str(line["code"])


async def test_the_pin_of_the_other_server_rolls_over_without_a_gap(
    opened: Callable[..., World], own: Pki
) -> None:
    juki, old = pin(own, "juki"), pin(own, "fuhyo")
    new = renewed(own, Role.PREF, "fuhyo")
    async with opened(pins=[juki, old, thumb(new)]) as world:
        assert await asked_for_one(world) == "B100"
        # Its certificate changes under both running servers: it is let in, and called back.
        replace_files(own.files(Role.PREF, "fuhyo"), new)
        world.fuhyo.daemon.trust.look()
        assert await asked_for_one(world) == "B100"
        assert pin(own, "fuhyo") != old
    async with opened(pins=[juki, pin(own, "fuhyo")]) as world:
        assert await asked_for_one(world) == "B100"
    async with opened(pins=[juki, old]) as world:
        with capture_logs() as events:
            assert await asked_for_one(world) == "B500"
        assert {(event["door"], event["reason"]) for event in of(events, "peer_refused")} == {
            ("bridge", "not-pinned")
        }


async def asked_elsewhere(world: Bridged) -> str:
    """What the bridge says of somebody whose last address was in another prefecture."""
    code = resident_code()
    world.elsewhere[code] = individual_number()
    await world.tell("fuhyo", shown_overseas(code))
    (line,) = await world.numbers(code)
    return str(line["code"])


async def test_the_pin_of_the_national_server_rolls_over_without_a_gap(
    opened: Callable[..., World], own: Pki
) -> None:
    files, new = own.files(Role.NATIONAL, "fuhyo"), renewed(own, Role.NATIONAL, "fuhyo")
    old, coming = thumb(files), thumb(new)
    pins = [pin(own, register) for register in REGISTERS]
    async with opened(pins=pins, national_pins=[old, coming]) as world:
        assert await asked_elsewhere(world) == "B100"
    replace_files(files, new)
    for pinned, code in (([old, coming], "B100"), ([coming], "B100"), ([old], "B500")):
        async with opened(pins=pins, national_pins=pinned) as world:
            assert await asked_elsewhere(world) == code
