"""Options of the simulators that take a count: none of them means something else at 0 or below."""

import pytest

from jukinet_daemon.cli.jukinet_sim import main


@pytest.mark.parametrize("last", ["0", "-2", "three", "٣"])
def test_the_newest_so_many_are_at_least_one(last: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["receive-national", f"--last={last}"])
    assert ended.value.code == 2
    assert "1 以上の数" in capsys.readouterr().err
