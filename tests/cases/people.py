"""人の項目: personal values that cases carry; nothing that is answered or logged may show them."""

NAME = "髙島 太郎"
ADDRESS = "福岡県福岡市博多区"
