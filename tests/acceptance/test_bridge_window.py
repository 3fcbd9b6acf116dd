"""jukinetctl bridge: the window is the 附票 side's alone, and whoever asks at the other is told so."""

from pathlib import Path

import pytest

from jukinet_daemon.cli.jukinetctl import main
from support.world import Pki

from .conftest import config_text


def test_the_window_is_at_the_fuhyo_server(
    pki: Pki, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "juki.toml"
    path.write_text(
        config_text("juki", pki, "postgresql:///juki", tmp_path, {"notices": 1, "health": 1}), "utf-8"
    )
    assert main(["bridge", "list", "--config", str(path)]) == 1
    assert "附票 (fuhyo) のサーバにだけあります" in capsys.readouterr().err
