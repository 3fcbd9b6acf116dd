"""Who waits longer than whom: times that stand in two rooms and must fit together."""

from jukinet_daemon import outward_http
from jukinet_daemon.server import guard, listener


def test_no_question_goes_on_a_connection_that_its_door_is_about_to_close() -> None:
    """A question is never sent twice, so one that meets the end of an idle connection is lost."""
    assert min(guard.REQUEST_S, listener.KEEPALIVE_S) / 1.5 > outward_http.KEEPALIVE_S
