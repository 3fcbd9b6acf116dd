"""The file of `jukinet-sim send`: what is taken, and in words what is not; whose notices may be sent."""

from pathlib import Path

import pytest

from jukinet_daemon.cli.control import CommandFault
from jukinet_daemon.cli.send import read_notices, require_sender


@pytest.mark.parametrize(
    ("data", "notices"),
    [
        (b'{"id":"1"}\n\n{"id":"2"}', [{"id": "1"}, {"id": "2"}]),
        (b'\xef\xbb\xbf{"id":"1"}\r\n', [{"id": "1"}]),
        ('{"name":"\u2028"}\n'.encode(), [{"name": "\u2028"}]),
        (b"{}\n", [{}]),
    ],
    ids=["two", "byte order mark", "line separator", "no id"],
)
def test_a_file_of_notices(tmp_path: Path, data: bytes, notices: list[object]) -> None:
    path = tmp_path / "notices.ndjson"
    path.write_bytes(data)
    assert read_notices(path) == notices


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ('{}\n{"name":"髙島"}\n'.encode("cp932"), "line 2 is not UTF-8"),
        (b'{}\n{"id"\n', "line 2 is not JSON"),
        (b'{"number":NaN}\n', "line 1 is not JSON"),
        (b"{}\n[1]\n", "line 2 is no notice"),
        (b"\n", "holds no notice"),
    ],
    ids=["CP932", "cut short", "NaN", "list", "empty"],
)
def test_a_file_that_is_none(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "notices.ndjson"
    path.write_bytes(data)
    with pytest.raises(CommandFault, match=said):
        read_notices(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CommandFault, match="No such file"):
        read_notices(tmp_path / "nofile")


def test_a_ward_is_told_whose_it_is() -> None:
    require_sender("401307")
    with pytest.raises(CommandFault, match="市 401307 が送る"):
        require_sender("401315")
    with pytest.raises(CommandFault, match="送信者の一覧にない"):
        require_sender("999999")
