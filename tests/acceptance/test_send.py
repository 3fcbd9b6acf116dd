"""jukinet-sim send against a real server: odd notices reach it; a server that is not there is told of."""

import json
from pathlib import Path

import pytest

from conftest import HouseMaker
from jukinet_daemon.cli.jukinet_sim import main
from jukinet_daemon.sim.world import Site, World, save_world
from support.notices import juki_change
from support.world import FUKUOKA, PREFECTURE, TRUST_DOMAIN, Pki

from .conftest import run

NOWHERE = "wss://127.0.0.1:1/notices"


@pytest.fixture
def folder(tmp_path: Path, pki: Pki) -> Path:
    """The folder of a demo; whoever has a server puts its address into it with `at`."""
    folder = tmp_path / "demo"
    (folder / "cs").mkdir(parents=True)
    (folder / "pki").symlink_to(pki.folder)
    at(folder, NOWHERE)
    return folder


def at(folder: Path, url: str) -> None:
    site = Site("juki", url, "", "", "", "", "", "")
    save_world(World(folder, TRUST_DOMAIN, PREFECTURE, (site,)))


def command(folder: Path, file: Path, *more: str, sender: str = FUKUOKA) -> list[str]:
    return ["send", "--as", sender, "--folder", str(folder), *more, str(file)]


async def test_a_notice_without_an_id_is_for_the_server_to_refuse(
    open_house: HouseMaker, folder: Path, tmp_path: Path
) -> None:
    house = await open_house("juki", national=False)
    at(folder, house.notices_url)
    nameless = juki_change()
    del nameless["id"]
    file = tmp_path / "notices.ndjson"
    file.write_text("".join(json.dumps(n) + "\n" for n in (nameless, juki_change())), "utf-8-sig")
    status, output, errors = await run("jukinet_sim", *command(folder, file))
    assert (status, errors) == (1, "")
    answers = [line.split()[1:3] for line in output.splitlines()]
    assert answers == [["REFUSED", "R302"], ["ACCEPTED", "A100"]]


def test_a_server_that_is_not_there_is_told_of_and_given_up(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "notices.ndjson"
    file.write_text(json.dumps(juki_change()), "utf-8")
    assert main(command(folder, file, "--wait", "1")) == 2
    said = capsys.readouterr()
    fault, end = said.err.splitlines()
    assert fault.endswith("cannot be reached: Connection refused")
    assert "1 件に回答がない" in end
    assert said.out == ""


@pytest.mark.parametrize(
    "url", ["foo", "https://127.0.0.1:1/notices", "wss://", "wss://[::1/", "wss://h:99999/"]
)
def test_what_is_no_address_is_refused_at_once(
    url: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(command(folder, Path("nofile"), "--url", url))
    assert ended.value.code == 2
    assert "wss://HOST:PORT/notices" in capsys.readouterr().err


def test_advice_is_of_what_is_missing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "notices.ndjson"
    file.write_text("{}", "utf-8")
    assert main(command(folder, tmp_path / "nofile")) == 1
    assert "nofile を読めません" in capsys.readouterr().err
    assert main(command(tmp_path / "nodemo", file)) == 1
    assert "make demo KEEP=1" in capsys.readouterr().err
    assert main(command(folder, file, sender="401315")) == 1
    assert "401307" in capsys.readouterr().err
