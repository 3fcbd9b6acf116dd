"""結果: the one table of answers: code, class, text, the law behind it, what the sender does."""

from dataclasses import dataclass
from enum import StrEnum


class OutcomeClass(StrEnum):
    """What became of a notice.

    ACCEPTED 適用した; HELD 担当者の確認を待つ; REFUSED 適用しない, nothing changed; LATER 受け取っていない,
    send again. REPEATED is how a sender sees an answer that had been given before, word for word.
    """

    ACCEPTED = "ACCEPTED"
    REPEATED = "REPEATED"
    HELD = "HELD"
    REFUSED = "REFUSED"
    LATER = "LATER"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row of the table."""

    code: str
    kind: OutcomeClass
    ja: str
    en: str
    citation: str
    action: str


_A, _H, _R, _L = OutcomeClass.ACCEPTED, OutcomeClass.HELD, OutcomeClass.REFUSED, OutcomeClass.LATER

_NOTHING = "なし"
_WAIT = "県の担当者の確認を待つ。続けて送ってよい"
_CORRECT = "内容を直し、新しい通知番号で送る"
_REPAIR = "送信プログラムを直し、新しい通知番号で送る"
_REPAIR_PARCEL = "送信プログラムを直し、電文を作り直して送る"
_AGAIN = "同じ通知番号・同じ内容でもう一度送る"

APPLIED = Outcome(
    "A100", _A, "ファイルを更新した", "applied to the file", "法30条の6第3項, 30条の41第3項", _NOTHING
)
DEPARTURE_RECORDED = Outcome(
    "A110", _A, "転出確定を記録した", "departure confirmed and recorded", "令13条3項", _NOTHING
)

RENEWED = Outcome(
    "A120",
    _A,
    "再送信された通知として記録した",
    "recorded as a notice sent again",
    "法30条の6第1項, 30条の41第1項",
    _NOTHING,
)

BEHIND_HELD = Outcome(
    "H200",
    _H,
    "この人の前の通知が確認を待っている",
    "an earlier notice about this person is waiting",
    "令30条の5",
    _WAIT,
)
ALREADY_RESIDENT = Outcome(
    "H210",
    _H,
    "この市区町村に記載中の人の記載である",
    "an entry where the person's record is already open in this area",
    "令30条の5一号, 令30条の12の3一号",
    _WAIT,
)
NOTHING_TO_DELETE = Outcome(
    "H211",
    _H,
    "消除すべき記載がこの市区町村にない",
    "a deletion where no record is open in this area",
    "令30条の5二号, 令30条の12の3二号",
    _WAIT,
)
NOTHING_TO_CORRECT = Outcome(
    "H212",
    _H,
    "修正すべき記載がこの市区町村にない",
    "a correction where no record is open in this area",
    "令30条の5三号-五号, 令30条の12の3三号・四号",
    _WAIT,
)
TWO_PERSONS = Outcome(
    "H213",
    _H,
    "住民票コード等が二人の記録を指している",
    "the codes in the notice point to two persons",
    "法30条の2, 30条の3",
    _WAIT,
)
CODE_NOT_THEIRS = Outcome(
    "H214",
    _H,
    "この人の記録にない住民票コードである",
    "a resident code that is not of this person",
    "令30条の5五号, 令30条の12の3四号",
    _WAIT,
)
ENTERED_BEFORE = Outcome(
    "H215",
    _H,
    "前に届いた記載と同じ日・同じ事由で、その記載は消除されている",
    "an entry of the day and cause of one that was deleted since",
    "令30条の5一号",
    _WAIT,
)
DEPARTED_UNKNOWN = Outcome(
    "H220",
    _H,
    "転出確定の対象者がこの市区町村に記載されたことがない",
    "a departure of somebody never recorded in this area",
    "令13条3項",
    _WAIT,
)

UNSTORABLE = Outcome(
    "H290",
    _H,
    "そのままでは記録できない",
    "cannot be stored as it is",
    "法30条の6第3項, 30条の41第3項",
    _WAIT,
)

MALFORMED = Outcome("R300", _R, "項目の形式が違う", "a field has the wrong form", "令30条の5", _REPAIR)
UNKNOWN_FIELD = Outcome(
    "R301",
    _R,
    "通知できない項目がある",
    "a field that may not be notified",
    "法30条の6第1項, 30条の41第1項",
    _REPAIR,
)
MISSING_FIELD = Outcome("R302", _R, "必要な項目がない", "a required field is missing", "令30条の5", _REPAIR)
DUPLICATE_FIELD = Outcome("R303", _R, "同じ項目が二度ある", "a field occurs twice", "令30条の5", _REPAIR)
AREA_NOT_YOURS = Outcome(
    "R310",
    _R,
    "送信者の市区町村の記録でない",
    "the record is not of the sender's area",
    "法30条の6第1項, 30条の41第1項",
    _CORRECT,
)
KIND_NOT_TAKEN = Outcome(
    "R311",
    _R,
    "このファイルが受け取らない通知である",
    "this register does not take this kind of notice",
    "法30条の6第1項, 30条の41第1項, 令13条3項",
    _CORRECT,
)
CAUSE_NOT_OF_CHANGE = Outcome(
    "R312",
    _R,
    "事由が異動区分に合わない",
    "the cause does not belong to the change",
    "規則11条",
    _CORRECT,
)
CODE_MISSING = Outcome(
    "R313", _R, "住民票コードがない", "the resident code is missing", "法7条13号", _CORRECT
)
PERSON_NOT_NAMED = Outcome(
    "R314",
    _R,
    "住民票コードも記録番号もない",
    "neither a resident code nor a record key",
    "令30条の12の3四号",
    _CORRECT,
)
PREVIOUS_NOT_OF_CHANGE = Outcome(
    "R315",
    _R,
    "修正前の番号・コードはその修正の通知に限る",
    "a previous number or code belongs only to its own correction",
    "令30条の5四号・五号",
    _CORRECT,
)
NOT_FOR_FOREIGN = Outcome(
    "R316",
    _R,
    "外国人住民にない項目がある",
    "an item that a foreign resident's record does not have",
    "法30条の45, 令30条の13",
    _CORRECT,
)
ONLY_FOR_FOREIGN = Outcome(
    "R317",
    _R,
    "通称は外国人住民に限る",
    "an alias belongs only to a foreign resident",
    "令30条の16",
    _CORRECT,
)
ADDRESS_MISSING = Outcome(
    "R318",
    _R,
    "住所がない",
    "the address is missing",
    "法7条7号, 17条3号",
    _CORRECT,
)
ADDRESS_AND_OVERSEAS = Outcome(
    "R319",
    _R,
    "住所と国外転出者である旨が共にある",
    "both an address and 'living overseas'",
    "法17条3号",
    _CORRECT,
)
NUMBER_CHECK_DIGIT = Outcome(
    "R320",
    _R,
    "個人番号の検査用数字が違う",
    "wrong check digit of the individual number",
    "個人番号等に関する命令5条",
    _CORRECT,
)
CODE_CHECK_DIGIT = Outcome(
    "R321",
    _R,
    "住民票コードの検査数字が違う",
    "wrong check digit of the resident code",
    "規則1条",
    _CORRECT,
)
AREA_CHECK_DIGIT = Outcome(
    "R322",
    _R,
    "住所の団体コードの検査数字が違う",
    "wrong check digit of the address's area code",
    "全国地方公共団体コード",
    _CORRECT,
)
DATE_AHEAD = Outcome(
    "R330",
    _R,
    "異動年月日が未来である",
    "the date of the event lies ahead",
    "令30条の5二号",
    _CORRECT,
)
NATIONALITY_NOT_OF_CAUSE = Outcome(
    "R340",
    _R,
    "外国人住民の別が事由に合わない",
    "the foreign flag does not fit the cause",
    "令8条の2",
    _CORRECT,
)
NOTHING_CHANGED = Outcome(
    "R341",
    _R,
    "修正の前と後が同じである",
    "the correction changes nothing",
    "令30条の5四号・五号, 令30条の12の3四号",
    _CORRECT,
)
ID_REUSED = Outcome(
    "R390",
    _R,
    "通知番号が別の内容に使われている",
    "the notice id was used for other content",
    "法30条の6第2項",
    "通知番号の採番を確かめ、県に連絡する",
)
ID_OF_ANOTHER = Outcome(
    "R391",
    _R,
    "通知番号が別の送信者に使われている",
    "the notice id was used by another sender",
    "法30条の6第2項",
    "通知番号の採番を確かめ、県に連絡する",
)

SIGNATURE_BAD = Outcome(
    "P400",
    _R,
    "電文の署名を確かめられない",
    "the parcel's signature does not verify",
    "規則12条, 25条",
    _REPAIR_PARCEL,
)
NOT_A_PARCEL = Outcome("P401", _R, "電文の形式が違う", "not a parcel", "規則12条, 25条", _REPAIR_PARCEL)
SENDER_NOT_YOU = Outcome(
    "P402",
    _R,
    "電文の送信者が証明書と違う",
    "the parcel's sender is not the certificate's",
    "法30条の6第2項",
    _REPAIR_PARCEL,
)
REGISTER_NOT_HERE = Outcome(
    "P403",
    _R,
    "電文の宛先のファイルがここにない",
    "the parcel is for another register",
    "法30条の6第1項, 30条の41第1項",
    "接続先を確かめる",
)
PARCEL_REFUSALS = (SIGNATURE_BAD, NOT_A_PARCEL, SENDER_NOT_YOU, REGISTER_NOT_HERE)
TRY_AGAIN = Outcome("L500", _L, "いま受け取れない", "cannot be taken now", "規則12条, 25条", _AGAIN)

CODE_DOUBTFUL = Outcome(
    "W600",
    _A,
    "住民票コードの検査数字が推定式に合わない (適用した)",
    "the resident code's check digit does not fit the inferred formula (applied)",
    "規則1条",
    "コードを確かめる",
)

ERA_DOUBTFUL = Outcome(
    "W610",
    _A,
    "元号と生年月日が合わない (来たまま適用した)",
    "the era does not fit the date of birth (applied as it came)",
    "法7条2号, 17条5号",
    "元号を確かめる",
)

OUTCOMES: dict[str, Outcome] = {
    outcome.code: outcome for outcome in tuple(globals().values()) if isinstance(outcome, Outcome)
}
