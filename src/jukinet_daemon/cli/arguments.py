"""引数の形: what several commands take from the command line in the same form."""

import argparse


def count(text: str) -> int:
    """A number from 1 on. Raises ArgumentTypeError: 0 means neither "the usual" nor "all"."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError("1 以上の数でない / is no whole number from 1 on")
    return int(text)
