"""橋の結果: the answers of the bridge, in the form of domain/outcomes.py; the two servers share them.

Why a basis does not permit a question (B4..) stands in domain/provide.py.
"""

from jukinet_daemon.domain.outcomes import Outcome, OutcomeClass

_A, _R, _L = OutcomeClass.ACCEPTED, OutcomeClass.REFUSED, OutcomeClass.LATER

_NOTHING = "なし"
_NOT_THIS_WAY = "国外転出者でない人の個人番号はこの方法では得られない"
_TO_MUNICIPALITY = "市区町村に記録を確かめる"
_NEW_CASE = "新しい事案で求め直す"
_REPORT = "管理者に知らせる。盗まれた鍵の疑いがある"

ANSWERED = Outcome(
    "B100",
    _A,
    "国外転出者の個人番号を提供した",
    "the number of a person overseas was provided",
    "法30条の44の6第3項, 法30条の15",
    _NOTHING,
)
CONFIRMED = Outcome(
    "B110",
    _A,
    "求めは開いており、その人は国外転出者である",
    "the request is open and the person is overseas",
    "法30条の44の6第3項",
    _NOTHING,
)
SAME_PERSON_APPROVES = Outcome(
    "B301",
    _R,
    "求める人と承認する人が同じである",
    "requester and approver are the same person",
    "法30条の24第1項",
    "別の人が承認する",
)
KEY_MALFORMED = Outcome(
    "B302", _R, "照会の鍵の形式が違う", "a key has the wrong form", "法30条の25第1項", "鍵の形を直す"
)
NOT_IN_FUHYO = Outcome(
    "B310",
    _R,
    "附票本人確認情報ファイルにない",
    "not in the fuhyo file",
    "法30条の44の6第3項",
    "本籍地のある都道府県に求める",
)
FUHYO_DELETED = Outcome(
    "B311",
    _R,
    "戸籍の附票が消除されている",
    "the fuhyo record was deleted",
    "法30条の44の6第3項",
    _TO_MUNICIPALITY,
)
NOT_OVERSEAS = Outcome(
    "B312",
    _R,
    "戸籍の附票に国外転出者である旨がない",
    "the fuhyo does not show 'living overseas'",
    "法17条3号, 法30条の44の6第3項",
    _NOT_THIS_WAY,
)
NO_CODE = Outcome(
    "B313",
    _R,
    "戸籍の附票に住民票コードがない",
    "the fuhyo record has no resident code",
    "令30条の12の3四号",
    _TO_MUNICIPALITY,
)
NOTICE_WAITS = Outcome(
    "B314",
    _R,
    "この人の通知が確認を待っている",
    "a notice about the person is waiting",
    "法30条の44の6第3項",
    "保留の通知が決着してから求め直す",
)
NOT_HERE = Outcome(
    "B320",
    _R,
    "本人確認情報ファイルにない (最後の住所が他の都道府県)",
    "not in the juki file: the last address was elsewhere",
    "法30条の11第1項",
    "全国サーバに求める",
)
MOVED_AWAY = Outcome(
    "B321",
    _R,
    "他の都道府県へ転出した人である",
    "the person moved to another prefecture",
    "法30条の11第1項",
    "全国サーバに求める",
)
CAME_BACK = Outcome(
    "B322",
    _R,
    "住民票に記載されている (国外転出者でない)",
    "the person has a residence record again: not overseas",
    "法17条3号, 法30条の44の6第3項",
    _NOT_THIS_WAY,
)
DIED = Outcome(
    "B323", _R, "死亡により消除されている", "deleted by death", "法30条の44の6第3項", _TO_MUNICIPALITY
)
REMOVED = Outcome(
    "B324",
    _R,
    "国外転出でない事由で消除されている",
    "deleted by another cause than moving overseas",
    "法17条3号, 規則11条2項",
    _TO_MUNICIPALITY,
)
LEAVES_LATER = Outcome(
    "B325",
    _R,
    "国外転出の予定日がまだ来ていない",
    "the planned day of leaving has not come",
    "令30条の5二号",
    "予定日の後に求め直す",
)
OTHER_CODE = Outcome(
    "B326",
    _R,
    "住民票コードがその後変わっている",
    "the person has another resident code since",
    "令30条の5五号",
    _TO_MUNICIPALITY,
)
NO_NUMBER = Outcome(
    "B327",
    _R,
    "消除の記録に個人番号がない",
    "no number on file",
    "令30条の5二号, 番号法7条",
    _TO_MUNICIPALITY,
)
FOREIGN = Outcome(
    "B328",
    _R,
    "外国人住民の記録である (戸籍の附票がない)",
    "a foreign resident's record: there is no fuhyo",
    "法16条, 法30条の45",
    _TO_MUNICIPALITY,
)
NOT_CONFIRMED = Outcome(
    "B330",
    _R,
    "附票都道府県サーバがこの求めを認めない",
    "the fuhyo server does not confirm the request",
    "法30条の24第1項",
    _REPORT,
)
ALREADY_ANSWERED = Outcome(
    "B331",
    _R,
    "この求めにはすでに答えた",
    "the request was answered before",
    "法30条の24第1項",
    _NEW_CASE,
)
WITHHELD = Outcome(
    "B332",
    _R,
    "データベースが国外転出者と認めない",
    "the database itself does not see a person overseas",
    "法17条3号, 法30条の24第1項",
    "管理者に知らせる。時計のずれかプログラムの誤りの疑いがある",
)
UNREADABLE = Outcome(
    "B340",
    _R,
    "橋の電文の形式が違う",
    "not a message of the bridge",
    "法30条の44の6第3項",
    "プログラムを直す",
)
UNREACHABLE = Outcome(
    "B500",
    _L,
    "いま相手に尋ねられない",
    "the other server cannot be asked now",
    "法30条の44の6第3項",
    _NEW_CASE,
)

BRIDGE_OUTCOMES: dict[str, Outcome] = {
    outcome.code: outcome for outcome in tuple(globals().values()) if isinstance(outcome, Outcome)
}

# The last address was in another prefecture: 機構 has the record (法30条の11第1項).
ELSEWHERE = (NOT_HERE, MOVED_AWAY)

# Why the 附票 server, called back, may not confirm. Whatever else it says confirms nothing and is no reason.
UNCONFIRMED = (NOT_CONFIRMED, NOT_IN_FUHYO, FUHYO_DELETED, NOT_OVERSEAS, NO_CODE, NOTICE_WAITS)
