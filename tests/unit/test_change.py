"""規則11条 as a table: twenty causes, each with its paragraph and item."""

from itertools import groupby

import pytest

from jukinet_daemon.domain.change import (
    CAUSE_RULES,
    CHANGE_LABELS,
    PLANNED_DATE_CAUSES,
    Cause,
    Change,
    causes_of,
)
from jukinet_daemon.domain.fuhyo import FUHYO
from jukinet_daemon.domain.juki import JUKI

# 規則11条1項から5項まで, as the rule prints them.
STATUTE = {
    Change.ENTRY: (
        "1項",
        [
            "国内転入",
            "国外転入等",
            "出生",
            "職権記載等（帰化等）",
            "職権記載等（国籍喪失）",
            "職権記載等",
        ],
    ),
    Change.DELETION: (
        "2項",
        [
            "国内転出",
            "国外転出",
            "死亡",
            "職権消除等（帰化等）",
            "職権消除等（国籍喪失）",
            "職権消除等",
        ],
    ),
    Change.CORRECTION: ("3項", ["転居", "軽微な修正", "職権修正等"]),
    Change.NUMBER_CORRECTION: (
        "4項",
        ["個人番号の変更請求", "個人番号の職権修正", "個人番号の職権記載等"],
    ),
    Change.CODE_CORRECTION: ("5項", ["住民票コードの変更請求", "住民票コードの職権記載等"]),
}


def test_the_table_is_rule_11_word_for_word_and_place_for_place() -> None:
    stated = {
        change: [(rule.citation, rule.name) for rule in rules]
        for change, rules in groupby(CAUSE_RULES, lambda rule: rule.change)
    }
    assert stated == {
        change: [
            (f"規則11条{paragraph}{item}号", name) for item, name in zip("一二三四五六", names, strict=False)
        ]
        for change, (paragraph, names) in STATUTE.items()
    }


def test_every_cause_stands_once_and_belongs_to_one_change() -> None:
    assert sorted(rule.cause for rule in CAUSE_RULES) == sorted(Cause)
    assert [len(causes_of(change)) for change in Change] == [6, 6, 3, 3, 2]


def test_only_the_two_move_outs_have_a_planned_date() -> None:
    assert {Cause.DOMESTIC_MOVE_OUT, Cause.OVERSEAS_MOVE_OUT} == PLANNED_DATE_CAUSES
    assert causes_of(Change.DELETION) >= PLANNED_DATE_CAUSES


def test_every_change_has_a_label_of_its_own() -> None:
    assert set(CHANGE_LABELS) == set(Change)
    assert len(set(CHANGE_LABELS.values())) == len(Change)


@pytest.mark.parametrize("change", list(Change))
def test_juki_takes_the_causes_of_the_rule(change: Change) -> None:
    assert JUKI.causes[change] == causes_of(change)


def test_fuhyo_has_no_causes_and_no_correction_of_a_number() -> None:
    assert set(FUHYO.causes) == set(Change) - {Change.NUMBER_CORRECTION}
    assert not any(FUHYO.causes.values())
