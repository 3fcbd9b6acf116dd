"""Nobody is certified under a name that no door could admit."""

import pytest

from jukinet_daemon.domain.area import Areas
from jukinet_daemon.pki.names import NameFault, require_name
from jukinet_daemon.pki.peer import PeerIdentity, Role
from jukinet_daemon.schemas import read_areas

FUKUOKA = read_areas()


def judge(role: Role, name: str, areas: Areas | None = FUKUOKA) -> None:
    require_name(PeerIdentity("jukinet.example", role, name), areas)


@pytest.mark.parametrize("code", FUKUOKA.senders)
def test_every_municipality_may_have_a_certificate(code: str) -> None:
    judge(Role.CS, code)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("401308", "no area code"),
        ("40130", "no area code"),
        ("juki", "no area code"),
        ("401315", "its city 401307 sends"),
        ("400009", "a prefecture's code"),
        ("131016", "not among the senders"),
    ],
)
def test_what_is_no_sender_has_none(code: str, why: str) -> None:
    with pytest.raises(NameFault, match=why):
        judge(Role.CS, code)


def test_of_a_prefecture_that_is_not_known_the_digit_speaks() -> None:
    judge(Role.CS, "131016", None)
    with pytest.raises(NameFault, match="no area code"):
        judge(Role.CS, "131017", None)


@pytest.mark.parametrize("role", [Role.PREF, Role.NATIONAL])
def test_a_server_is_of_one_of_the_two_registers(role: Role) -> None:
    judge(role, "juki")
    judge(role, "fuhyo")
    with pytest.raises(NameFault, match="juki or fuhyo"):
        judge(role, "foo")


def test_an_operator_has_the_id_the_prefecture_gave() -> None:
    judge(Role.OPERATOR, "y-tanaka")
