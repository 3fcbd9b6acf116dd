"""都道府県知事保存附票本人確認情報ファイル: the register of everybody in a 戸籍の附票 of the prefecture."""

from jukinet_daemon.domain.change import Cause, Change
from jukinet_daemon.domain.checks import content, digits
from jukinet_daemon.domain.notice import ChangeNotice
from jukinet_daemon.domain.register import Articles, Register

# 附票の通知に事由はなく、個人番号の修正もない (令30条の12の3).
_CAUSES = {
    change: frozenset[Cause]()
    for change in (Change.ENTRY, Change.DELETION, Change.CORRECTION, Change.CODE_CORRECTION)
}

FUHYO = Register(
    name="fuhyo",
    title="附票本人確認情報",
    server="附票都道府県サーバ",
    articles=Articles(
        notification="法30条の41", content="令30条の12の3", relay="法30条の42", retention="令30条の12の4"
    ),
    kinds=(ChangeNotice,),
    causes=_CAUSES,
    holds_number=False,
    checks=(
        content.area_is_the_senders,
        content.cause_belongs_to(_CAUSES),
        content.person_is_named,
        content.previous_only_in_its_correction,
        content.correction_corrects,
        content.no_address_overseas,
        content.date_not_ahead,
        digits.address_area_digit,
        digits.code_digit,
        content.era_fits_birth,
    ),
)
