"""個人番号・住民票コード・団体コード: shapes and check digits of the three identifiers, all of them text."""

import re
from operator import mul

# [0-9], never \d: the latter takes full-width digits.
INDIVIDUAL_NUMBER = re.compile(r"[0-9]{12}")
RESIDENT_CODE = re.compile(r"[0-9]{11}")
AREA_CODE = re.compile(r"[0-9]{6}")
# 記録番号, of the municipality's own making.
RECORD_KEY = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def _weighted_sum(digits: str, weights: tuple[int, ...]) -> int:
    """The sum of ASCII digits by their weights; as many of the one as of the other."""
    # A digit is its byte less 48. Every notice has three such sums, and int() of each digit takes far longer.
    weighted: int = sum(map(mul, digits.encode("ascii"), weights))
    return weighted - 48 * sum(weights)


def _mod11_digit(remainder: int) -> str:
    """個人番号の検査用数字: 余りが1以下なら0 (個人番号等に関する命令5条)."""
    return "0" if remainder <= 1 else str(11 - remainder)


def individual_number_check_digit(first_eleven: str) -> str:
    """The twelfth digit of a 個人番号 (平成26年総務省令85号5条)."""
    return _mod11_digit(_weighted_sum(first_eleven, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11)


def resident_code_check_digit(first_ten: str) -> str:
    """The eleventh digit of a 住民票コード. The formula (規則1条, 告示) is inferred from samples."""
    return _mod11_digit(_weighted_sum(first_ten, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11)


def area_code_check_digit(first_five: str) -> str:
    """The sixth digit of a 全国地方公共団体コード. Unlike the other two, remainder 0 gives 1."""
    return str((11 - _weighted_sum(first_five, (6, 5, 4, 3, 2)) % 11) % 10)


def is_individual_number(text: str) -> bool:
    """Whether text is twelve ASCII digits with the right check digit."""
    return bool(INDIVIDUAL_NUMBER.fullmatch(text)) and text[-1] == individual_number_check_digit(text[:-1])


def is_resident_code(text: str) -> bool:
    """Whether text is eleven ASCII digits with the (inferred) check digit."""
    return bool(RESIDENT_CODE.fullmatch(text)) and text[-1] == resident_code_check_digit(text[:-1])


def is_area_code(text: str) -> bool:
    """Whether text is six ASCII digits with the right check digit."""
    return bool(AREA_CODE.fullmatch(text)) and text[-1] == area_code_check_digit(text[:-1])
