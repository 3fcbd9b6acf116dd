"""画面の文字: text of others on an operator's terminal: no markup, and nothing that drives the terminal."""

import re

from rich.text import Text

# C0 and C1 but for the line feed, DEL, and what changes the direction of what follows.
_DRIVES = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """The text with a sign in the place of whatever a terminal does not merely show."""
    return _DRIVES.sub("\N{REPLACEMENT CHARACTER}", text)


def as_it_stands(text: str) -> Text:
    """The text for a console or table, whatever brackets are in it."""
    return Text(plain(text))
