"""変更情報の区分と事由: what may happen to a record and why, as the statutes list it."""

from dataclasses import dataclass
from enum import StrEnum


class Change(StrEnum):
    """異動区分: what was done to the 住民票 or 戸籍の附票 (令30条の5各号, 令30条の12の3各号)."""

    ENTRY = "entry"
    DELETION = "deletion"
    CORRECTION = "correction"
    NUMBER_CORRECTION = "number_correction"
    CODE_CORRECTION = "code_correction"


CHANGE_LABELS = {
    Change.ENTRY: "記載",
    Change.DELETION: "消除",
    Change.CORRECTION: "修正",
    Change.NUMBER_CORRECTION: "修正(個人番号)",
    Change.CODE_CORRECTION: "修正(住民票コード)",
}


class Cause(StrEnum):
    """事由: the twenty causes of 規則11条. The statute gives names, no numbers; the codes are ours."""

    DOMESTIC_MOVE_IN = "domestic_move_in"
    OVERSEAS_MOVE_IN = "overseas_move_in"
    BIRTH = "birth"
    ENTRY_BY_NATURALIZATION = "entry_by_naturalization"
    ENTRY_BY_NATIONALITY_LOSS = "entry_by_nationality_loss"
    ENTRY_EX_OFFICIO = "entry_ex_officio"
    DOMESTIC_MOVE_OUT = "domestic_move_out"
    OVERSEAS_MOVE_OUT = "overseas_move_out"
    DEATH = "death"
    DELETION_BY_NATURALIZATION = "deletion_by_naturalization"
    DELETION_BY_NATIONALITY_LOSS = "deletion_by_nationality_loss"
    DELETION_EX_OFFICIO = "deletion_ex_officio"
    CHANGE_OF_ADDRESS = "change_of_address"
    MINOR_CORRECTION = "minor_correction"
    CORRECTION_EX_OFFICIO = "correction_ex_officio"
    NUMBER_CHANGE_REQUEST = "number_change_request"
    NUMBER_CORRECTION_EX_OFFICIO = "number_correction_ex_officio"
    NUMBER_ENTRY_EX_OFFICIO = "number_entry_ex_officio"
    CODE_CHANGE_REQUEST = "code_change_request"
    CODE_ENTRY_EX_OFFICIO = "code_entry_ex_officio"


@dataclass(frozen=True, slots=True)
class CauseRule:
    """One row of 規則11条: the legal name of a cause, the change it belongs to, its place in the rule."""

    cause: Cause
    change: Change
    name: str
    citation: str


def _rules(change: Change, paragraph: str, rows: tuple[tuple[Cause, str], ...]) -> tuple[CauseRule, ...]:
    numerals = "一二三四五六"
    return tuple(
        CauseRule(cause, change, name, f"規則11条{paragraph}{numerals[place]}号")
        for place, (cause, name) in enumerate(rows)
    )


CAUSE_RULES: tuple[CauseRule, ...] = (
    *_rules(
        Change.ENTRY,
        "1項",
        (
            (Cause.DOMESTIC_MOVE_IN, "国内転入"),
            (Cause.OVERSEAS_MOVE_IN, "国外転入等"),
            (Cause.BIRTH, "出生"),
            (Cause.ENTRY_BY_NATURALIZATION, "職権記載等（帰化等）"),
            (Cause.ENTRY_BY_NATIONALITY_LOSS, "職権記載等（国籍喪失）"),
            (Cause.ENTRY_EX_OFFICIO, "職権記載等"),
        ),
    ),
    *_rules(
        Change.DELETION,
        "2項",
        (
            (Cause.DOMESTIC_MOVE_OUT, "国内転出"),
            (Cause.OVERSEAS_MOVE_OUT, "国外転出"),
            (Cause.DEATH, "死亡"),
            (Cause.DELETION_BY_NATURALIZATION, "職権消除等（帰化等）"),
            (Cause.DELETION_BY_NATIONALITY_LOSS, "職権消除等（国籍喪失）"),
            (Cause.DELETION_EX_OFFICIO, "職権消除等"),
        ),
    ),
    *_rules(
        Change.CORRECTION,
        "3項",
        (
            (Cause.CHANGE_OF_ADDRESS, "転居"),
            (Cause.MINOR_CORRECTION, "軽微な修正"),
            (Cause.CORRECTION_EX_OFFICIO, "職権修正等"),
        ),
    ),
    *_rules(
        Change.NUMBER_CORRECTION,
        "4項",
        (
            (Cause.NUMBER_CHANGE_REQUEST, "個人番号の変更請求"),
            (Cause.NUMBER_CORRECTION_EX_OFFICIO, "個人番号の職権修正"),
            (Cause.NUMBER_ENTRY_EX_OFFICIO, "個人番号の職権記載等"),
        ),
    ),
    *_rules(
        Change.CODE_CORRECTION,
        "5項",
        (
            (Cause.CODE_CHANGE_REQUEST, "住民票コードの変更請求"),
            (Cause.CODE_ENTRY_EX_OFFICIO, "住民票コードの職権記載等"),
        ),
    ),
)

# 転出届に基づく消除は転出の予定年月日を通知する (令30条の5二号): these dates may lie ahead.
PLANNED_DATE_CAUSES = frozenset({Cause.DOMESTIC_MOVE_OUT, Cause.OVERSEAS_MOVE_OUT})


def causes_of(change: Change) -> frozenset[Cause]:
    """The causes that 規則11条 lists for a change."""
    return frozenset(rule.cause for rule in CAUSE_RULES if rule.change is change)
