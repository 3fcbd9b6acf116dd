"""What an official reads of held notices: words, whole codes, and whether anything was tried."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from conftest import HouseMaker
from jukinet_daemon.cli import jukinetctl
from support.notices import juki_change, resident_code
from support.world import House


class Desk:
    """An official at a terminal of 80 columns."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    async def told(self, *words: str) -> tuple[int, str]:
        self._capsys.readouterr()
        status = await asyncio.to_thread(jukinetctl.main, ["held", *words, "--config", "x"])
        return status, self._capsys.readouterr().out


@pytest.fixture
async def house(open_house: HouseMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    opened: House = await open_house("juki", control={"socket": tmp_path / "control.sock"})
    monkeypatch.setattr(jukinetctl, "load_config", lambda _path: opened.config)
    monkeypatch.setenv("COLUMNS", "80")
    return opened


async def test_a_held_notice_is_read_by_an_official(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk(capsys)
    notice = juki_change(
        change="correction", cause="correction_ex_officio", person={"resident_code": resident_code()}
    )
    async with house.line() as line:
        (answer,) = await line.tell(notice)
    assert answer.code == "H212"
    _, listed = await desk.told("list")
    (row,) = [text for text in listed.splitlines() if notice["id"] in text]
    assert "H212" in row
    assert notice["area"][:4] in row  # the municipality that sent it
    _, shown = await desk.told("show", notice["id"])
    assert "{" not in shown
    for word in ("異動区分", "住民票コード", "氏名の振り仮名", "保留の理由", notice["person"]["name"]):
        assert word in shown
    # Words of the law, none of the wire.
    for word in ("変更情報", "修正", "職権修正等", "女" if notice["person"]["sex"] == "female" else "男"):
        assert word in shown
    for word in ("correction", "ex_officio", "male", "showa", "heisei", "reiwa"):
        assert word not in shown
    status, tried = await desk.told("release", notice["id"])
    assert (status, "まだ行っていない" in tried, "--apply" in tried) == (2, True, True)
    status, tried = await desk.told("release", notice["id"], "--apply")
    assert (status, "試みたが、なお保留" in tried, "まだ行っていない" in tried) == (2, True, False)


@pytest.mark.parametrize("words", [("held", "show"), ("trace",)])
@pytest.mark.parametrize("slip", ["../status", "a/b", "held?x=1", "%2e%2e"])
async def test_an_id_that_is_none_asks_no_other_question(
    house: House, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], slip: str
) -> None:
    status = await asyncio.to_thread(jukinetctl.main, [*words, slip, "--config", "x", "--json"])
    told = capsys.readouterr()
    assert (status, "通知番号の形でない" in told.err) == (1, True)
    # The server writes its log to the same place.
    assert json.dumps({"problem": "通知番号の形でない / not a notice id"}, ensure_ascii=False) in told.out


def test_a_slip_in_the_command_line_has_a_status_of_its_own() -> None:
    """Of `status`, 2 says that something needs somebody: a monitor must not take the one for the other."""
    with pytest.raises(SystemExit) as ended:
        jukinetctl.main(["status", "--config", "x", "--jsn"])
    assert ended.value.code == os.EX_USAGE


async def test_a_reason_that_is_none_is_told_in_plain_words(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        jukinetctl.main(["held", "reject", "x", "--reason", "bogus", "--config", "x"])
    told = capsys.readouterr().err
    assert "withdrawn" in told
    assert "<Reason" not in told
