"""What a process says of its key ring: nothing that another login can write breaks a rotation off."""

import pytest

from jukinet_daemon.store.keys import Process, ring_told

UNKNOWN = Process("notices@x", 0, frozenset())
SPOILT = (
    *(None, "null", "5", "[]", '{"current":1}', '{"current":"1","versions":[1]}', "[" * 100_000),
    *('{"current":1,"versions":[[1]]}', '{"current":true,"versions":[1]}'),
)


def test_a_ring_is_read() -> None:
    assert ring_told("notices@x", '{"current":2,"versions":[1,2]}') == Process(
        "notices@x", 2, frozenset({1, 2})
    )


def test_one_without_a_ring_is_nobody_to_wait_for() -> None:
    assert ring_told("seal@x", "{}") is None


@pytest.mark.parametrize("keys", SPOILT)
def test_one_that_says_nothing_of_use_knows_no_key(keys: str | None) -> None:
    assert ring_told("notices@x", keys) == UNKNOWN
