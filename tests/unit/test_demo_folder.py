"""The demo's folder: a demo that runs is not destroyed by a second one, nor anything that is no demo's."""

import os
from pathlib import Path

import pytest

from jukinet_daemon.sim.demo.folder import LOCK, FolderFault, emptied


def test_a_folder_in_which_a_demo_runs_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with emptied(folder):
        (folder / "world.json").touch()
        with pytest.raises(FolderFault, match=rf"pid {os.getpid()}\)"), emptied(folder):
            pass
        assert (folder / "world.json").exists()


def test_what_an_ended_demo_left_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with emptied(folder):
        (folder / "pki").mkdir()
        (folder / "pki" / "ca.pem").touch()
        (folder / "juki.toml").touch()
    with emptied(folder):
        assert [path.name for path in folder.iterdir()] == [LOCK]


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(FolderFault), emptied(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_folder_of_a_demo_that_knew_no_lock_is_emptied(tmp_path: Path) -> None:
    (tmp_path / "world.json").touch()
    with emptied(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == [LOCK]
