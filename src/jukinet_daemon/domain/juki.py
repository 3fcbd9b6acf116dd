"""都道府県知事保存本人確認情報ファイル: the register of everybody in a 住民票 of the prefecture."""

from jukinet_daemon.domain.change import Change, causes_of
from jukinet_daemon.domain.checks import content, digits
from jukinet_daemon.domain.notice import ChangeNotice, DepartureNotice
from jukinet_daemon.domain.register import Articles, Register

_CAUSES = {change: causes_of(change) for change in Change}

JUKI = Register(
    name="juki",
    title="本人確認情報",
    server="都道府県サーバ",
    articles=Articles(
        notification="法30条の6", content="令30条の5", relay="法30条の7", retention="令30条の6"
    ),
    kinds=(ChangeNotice, DepartureNotice),
    causes=_CAUSES,
    holds_number=True,
    checks=(
        content.area_is_the_senders,
        content.cause_belongs_to(_CAUSES),
        content.code_is_there,
        content.previous_only_in_its_correction,
        content.correction_corrects,
        content.nationality_fits_cause,
        content.foreign_items,
        content.address_is_there,
        content.date_not_ahead,
        digits.number_digit,
        digits.address_area_digit,
        digits.code_digit,
        content.era_fits_birth,
    ),
)
